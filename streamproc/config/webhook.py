"""Where alerts go besides Kafka: which of them, to whom, and for how long that is tried."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret, read_strong_secret
from streamproc.config.sink import Hosts, SinkSection
from streamproc.schemas.section import Path, refuse_if_any


class Webhook(SinkSection):
    """Where alerts are posted to, and which."""

    url: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=2048,
            description="The https URL, where it holds no secret; or else `url_env` or `url_file`.",
            examples=["https://alerts.example.org/streamproc"],
            repr=False,
        ),
    ] = None
    url_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the URL: its path is often a secret.",
            examples=["PAGER_URL"],
            repr=False,
        ),
    ] = None
    url_file: Annotated[
        FileName | None,
        Field(description="File with the URL.", examples=["/run/secrets/pager-url"], repr=False),
    ] = None
    allow: Hosts
    secret_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the secret that bodies are signed with, 32"
            " characters or more; without it and `secret_file` they are not signed.",
            examples=["PAGER_SECRET"],
            repr=False,
        ),
    ] = None
    secret_file: Annotated[
        FileName | None,
        Field(
            description="File with the secret, in place of `secret_env`.",
            examples=["/run/secrets/pager-secret"],
            repr=False,
        ),
    ] = None

    def address(self, field: str) -> SecretStr:
        """Look the URL up now; `field` is the path of this section, for the message.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        if self.url is not None:
            return SecretStr(self.url)
        return read_secret(f"{field}.url", self.url_env, self.url_file)

    def secret(self, field: str) -> SecretStr | None:
        """Look up what bodies are signed with; None when they are not.

        Raises
        ------
        ConfigError
            When it is not where the configuration says, or too short to be one.
        """
        if self.secret_env is None and self.secret_file is None:
            return None
        return read_strong_secret(f"{field}.secret", self.secret_env, self.secret_file)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        problems: list[tuple[Path, str]] = []
        if sum(given is not None for given in (self.url, self.url_env, self.url_file)) != 1:
            problems.append((("url",), "expected this, `url_env` or `url_file`, just one"))
        if self.secret_env is not None and self.secret_file is not None:
            problems += check_one("secret", self.secret_env, self.secret_file)
        refuse_if_any(problems)
        return self


def all_named(webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    """Refuse a name that is given twice: both would share one place in the alerts."""
    first: dict[str, int] = {}
    refuse_if_any(
        [
            ((place, "name"), f"is the name of entry {first[hook.name]} already")
            for place, hook in enumerate(webhooks)
            if first.setdefault(hook.name, place) != place
        ]
    )
    return webhooks
