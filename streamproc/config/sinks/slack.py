"""Configure the sink for Slack."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret
from streamproc.config.sink import Hosts, UrlSection
from streamproc.config.sinks.common import Once
from streamproc.schemas.section import Path, refuse_if_any

_API = "https://slack.com/api"


class SlackSection(UrlSection):
    """Messages in a channel of Slack, by an incoming webhook or a bot."""

    kind: Annotated[
        Literal["slack"],
        Field(
            description="Messages in a channel: with the URL of an incoming webhook one for each"
            " alert; with a bot's token one for each incident, which is edited.",
            examples=["slack"],
        ),
    ]
    once: Once = "incident"
    token_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the token of a bot with the scope `chat:write`,"
            " in place of the URL of an incoming webhook; or else `token_file`.",
            examples=["SLACK_TOKEN"],
            repr=False,
        ),
    ] = None
    token_file: Annotated[
        FileName | None,
        Field(
            description="File with the bot's token.",
            examples=["/run/secrets/slack-token"],
            repr=False,
        ),
    ] = None
    channel: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=80,
            description="Id of the channel that the bot posts to.",
            examples=["C0123456789"],
        ),
    ] = None
    allow: Hosts = ("hooks.slack.com", "slack.com")

    @property
    def is_bot(self) -> bool:
        """Whether a bot posts, and not an incoming webhook."""
        return self.token_env is not None or self.token_file is not None

    def address(self, field: str) -> SecretStr:
        """Look up the URL of the webhook, or of the Web API for a bot."""
        if self.is_bot and self.url_key is None:
            return SecretStr(_API)
        return super().address(field)

    def token(self, field: str) -> SecretStr:
        """Look the bot's token up now.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        return read_secret(f"{field}.token", self.token_env, self.token_file)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        problems: list[tuple[Path, str]] = []
        given = [self.url, self.url_env, self.url_file]
        urls = sum(value is not None for value in given)
        if self.is_bot:
            problems += check_one("token", self.token_env, self.token_file)
            if self.channel is None:
                problems.append((("channel",), "is required with a bot's token"))
            if urls > 1:
                problems.append((("url",), "expected this, `url_env` or `url_file`, just one"))
        elif urls != 1:
            expected = "expected this, `url_env` or `url_file` of an incoming webhook, just one"
            problems.append((("url",), f"{expected}; or the `token_env` of a bot"))
        elif self.channel is not None:
            problems.append((("channel",), "an incoming webhook has its channel: leave it out"))
        refuse_if_any(problems)
        return self
