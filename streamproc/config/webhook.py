"""Where alerts go besides Kafka: which of them, to whom, and for how long that is tried."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret, read_strong_secret
from streamproc.config.topics import NAME_PATTERN
from streamproc.schemas.alerts import PUBLISHED_STATUSES, Severity, Status
from streamproc.schemas.base import Text
from streamproc.schemas.section import Path, Section, refuse, refuse_if_any
from streamproc.schemas.units import Duration, Size

_HOST: Final = re.compile(r"[^\s/@:A-Z]+(:\d{1,5})?")
_MAX_TIMEOUT: Final = timedelta(minutes=1)
_MIN_WAIT: Final = timedelta(seconds=1)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        expected = "expected a host in lower case, with :port where that is not 443"
        refuse(((), f"{expected}: hooks.example.org, *.example.org, on-call.example.org:8443"))
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        refuse(((), "expected the addresses of a network, such as 10.2.0.0/16"))
    return text


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        refuse(((), "expected at least one: without any nothing is ever sent"))
    return value


def _one_try(value: timedelta) -> timedelta:
    if not timedelta() < value <= _MAX_TIMEOUT:
        refuse(((), "expected more than 0s, and 1m at most: the pauses in between are for waiting"))
    return value


def _some_time(value: timedelta) -> timedelta:
    if value < _MIN_WAIT:
        refuse(((), "expected 1s or more: no alert could be sent in less"))
    return value


class Webhook(Section):
    """Where alerts are posted to, and which."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=NAME_PATTERN,
            description="What metrics and logs call it, and the consumer group that keeps its"
            " place, `<group>-webhook-<name>`. Renaming starts a new consumer group.",
            examples=["pager"],
        ),
    ]
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
    allow: Annotated[
        tuple[Annotated[str, AfterValidator(_host)], ...],
        AfterValidator(_not_empty),
        Field(
            strict=False,
            max_length=64,
            description="Hosts that may be sent to, in lower case; globs such as `*.example.org`,"
            " with `:port` where that is not 443. The URL's has to be one of them.",
            examples=[["events.pagerduty.com"]],
        ),
    ]
    networks: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...],
        Field(
            strict=False,
            max_length=64,
            description="Networks of your own that may be reached: without them loopback, private"
            " and link-local addresses are refused.",
            examples=[["10.2.0.0/16"]],
        ),
    ] = ()
    ca_file: Annotated[
        FileName | None,
        Field(
            description="PEM file of the authorities that sign its certificate. null: the"
            " system's.",
            examples=["/etc/streamproc/ca.pem"],
        ),
    ] = None
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
    models: Annotated[
        tuple[Text, ...],
        AfterValidator(_not_empty),
        Field(
            strict=False,
            description="Globs of the models whose alerts are sent, case-sensitive.",
            examples=[["fraud*"]],
        ),
    ] = ("*",)
    severity: Annotated[
        Severity,
        Field(description="Alerts that are so urgent, or more, are sent.", examples=["warning"]),
    ] = "info"
    statuses: Annotated[
        tuple[Status, ...],
        AfterValidator(_not_empty),
        Field(
            strict=False,
            description="Alerts with one of these are sent. Workers also publish `pending`, of"
            " series whose values depend on each other.",
            examples=[["firing", "resolved"]],
        ),
    ] = PUBLISHED_STATUSES
    timeout: Annotated[
        Duration,
        AfterValidator(_one_try),
        Field(description="Longest time for one try; 1m at most.", examples=["10s"]),
    ] = timedelta(seconds=10)
    max_bytes: Annotated[
        Size, Field(description="A larger alert is dropped.", examples=["256KiB"])
    ] = 2**18
    give_up_after: Annotated[
        Duration,
        AfterValidator(_some_time),
        Field(
            description="An alert that could not be sent for so long is dropped, and counted: from"
            " its first try on.",
            examples=["1h"],
        ),
    ] = timedelta(hours=1)

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
