"""Settings that all sinks share: which alerts they get, and how long delivery is tried."""

import ipaddress
import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Final, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, read_secret
from streamproc.config.topics import NAME_PATTERN
from streamproc.schemas.alerts import PUBLISHED_STATUSES, Severity, Status
from streamproc.schemas.base import Text
from streamproc.schemas.section import Section, refuse
from streamproc.schemas.units import Duration, Size

_HOST: Final = re.compile(r"[^\s/@:A-Z]+(:\d{1,5})?")
_MAX_TIMEOUT: Final = timedelta(minutes=1)
_MIN_WAIT: Final = timedelta(seconds=1)
_URGENCY: Final = {severity: rank for rank, severity in enumerate(get_args(Severity))}


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


def not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an empty list."""
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


Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...],
    AfterValidator(not_empty),
    Field(
        strict=False,
        max_length=64,
        description="Hosts that may be sent to, in lower case; globs such as `*.example.org`,"
        " with `:port` where that is not 443. The URL's has to be one of them.",
        examples=[["hooks.example.org"]],
    ),
]
"""The hosts that a sink may connect to."""


class SinkSection(Section):
    """What every sink has: a name, filters and limits of delivery."""

    only_routed: ClassVar[bool] = False
    """Whether it hears of nothing that no route leads to it."""

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
    models: Annotated[
        tuple[Text, ...],
        AfterValidator(not_empty),
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
        AfterValidator(not_empty),
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
    networks: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...],
        Field(
            strict=False,
            max_length=64,
            description="Networks that may be reached besides public ones: otherwise loopback,"
            " private and link-local addresses are refused.",
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

    @property
    def follows_incidents(self) -> bool:
        """Whether it gets the pages of incidents across models instead of each alert."""
        return getattr(self, "once", "alert") == "incident"

    def asks_for(self, model_id: str, severity: Severity) -> bool:
        """Whether its filters let alerts of a model with a severity through."""
        return _URGENCY[severity] >= _URGENCY[self.severity] and any(
            fnmatchcase(model_id, glob) for glob in self.models
        )


class UrlSection(SinkSection):
    """A sink whose URL may be a secret."""

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

    @property
    def url_key(self) -> str | None:
        """The configuration key of the URL; None: there is not exactly one."""
        keys = [key for key in ("url", "url_env", "url_file") if getattr(self, key) is not None]
        return keys[0] if len(keys) == 1 else None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if self.url_key is None:
            refuse((("url",), "expected this, `url_env` or `url_file`, just one"))
        return self
