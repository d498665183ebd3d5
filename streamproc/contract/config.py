"""The whole configuration: frozen, validated as one, complete without a single key given."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from streamproc.contract.section import Section, refuse, refuse_if_any
from streamproc.contract.security import Security
from streamproc.contract.units import Duration, Size
from streamproc.contract.watch import ModelConfig, all_reached
from streamproc.errors import ConfigError

_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", re.ASCII)
_BROKER_EXPECTED: Final = "expected kafka://host:port[,host:port…]"


def _kafka_url(url: str) -> str:
    if "@" in url:  # so the message must not repeat it
        refuse(((), f"{_BROKER_EXPECTED}: user and password belong under security.sasl"))
    scheme, separator, addresses = url.partition("://")
    if not separator or scheme != "kafka":
        refuse(((), f"{_BROKER_EXPECTED}, found {url[:80]!r}"))
    for address in addresses.split(","):
        match = _ADDRESS.fullmatch(address)
        if not match or not 1 <= int(match[1]) <= 65_535:
            refuse(((), f"{_BROKER_EXPECTED}, found {address[:80]!r} for host:port"))
    return url


BrokerUrl = Annotated[str, AfterValidator(_kafka_url)]
_BROKER: Final[TypeAdapter[str]] = TypeAdapter(BrokerUrl)

NAME_PATTERN: Final = r"^[A-Za-z0-9._-]+$"
PREFIX_PATTERN: Final = r"^[A-Za-z0-9._-]*$"
TopicName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=249)]
TopicKind = Literal["predictions", "features", "alerts", "dead_letters"]
KINDS: Final[tuple[TopicKind, ...]] = ("predictions", "features", "alerts", "dead_letters")


class Topics(Section):
    """Names of the topics, and how missing ones are created.

    Examples
    --------
    >>> Topics(prefix="prod.").full_name("dead_letters")
    'prod.dead-letters'
    """

    prefix: Annotated[
        str,
        Field(
            pattern=PREFIX_PATTERN,
            max_length=200,
            description="Put before every topic's name.",
            examples=["prod."],
        ),
    ] = ""
    predictions: Annotated[
        TopicName, Field(description="In: prediction events.", examples=["predictions"])
    ] = "predictions"
    features: Annotated[
        TopicName, Field(description="In: feature events.", examples=["features"])
    ] = "features"
    alerts: Annotated[TopicName, Field(description="Out: alerts.", examples=["alerts"])] = "alerts"
    dead_letters: Annotated[
        TopicName,
        Field(
            validation_alias=AliasChoices("dead_letters", "dead-letters"),
            description="Out: records that are no events, as they came; may also be written"
            " `dead-letters`.",
            examples=["dead-letters"],
        ),
    ] = "dead-letters"
    partitions: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Partitions of a topic that is created; one that exists is left alone.",
            examples=[4],
        ),
    ] = 4
    replication: Annotated[
        int,
        Field(ge=1, le=100, description="Replicas of a topic that is created.", examples=[3]),
    ] = 1
    retention: Annotated[
        Duration | None,
        Field(
            description="How long a topic that is created keeps records; null: as the broker"
            " does by default.",
            examples=["7d"],
        ),
    ] = None

    def full_name(self, kind: TopicKind) -> str:
        """Give a topic's name on the broker, with the prefix."""
        return f"{self.prefix}{getattr(self, kind)}"

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, value: object) -> object:
        if isinstance(value, dict) and {"dead_letters", "dead-letters"} <= value.keys():
            refuse((("dead-letters",), "is the same key as `dead_letters`: keep one"))
        return value

    @model_validator(mode="after")
    def _usable_names(self) -> Self:
        problems: list[tuple[tuple[str], str]] = []
        first: dict[str, str] = {}
        for kind in KINDS:
            name = self.full_name(kind)
            other = first.setdefault(name, kind)
            if other != kind:
                problems.append(((kind,), f"is the same topic as `{other}`"))
            elif len(name) > 249 or name in {".", ".."}:
                problems.append(((kind,), "with its prefix is no topic name that Kafka takes"))
        refuse_if_any(problems)
        return self


class Policy(Section):
    """How alarms become incidents."""

    update_interval: Annotated[
        Duration,
        Field(
            description="Least event time between two updates of an open incident.",
            examples=["10m"],
        ),
    ] = timedelta(minutes=10)
    resolve_after: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000_000,
            description="Values of the series without an alarm after which it is resolved.",
            examples=[1000],
        ),
    ] = 1000


class Limits(Section):
    """What a worker takes at once, and at most."""

    slice_records: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="Most records in one slice of a partition.",
            examples=[5000],
        ),
    ] = 5000
    slice_bytes: Annotated[
        Size,
        Field(
            description="Most bytes in one slice; a single record may be larger.",
            examples=["4MiB"],
        ),
    ] = 4 * 2**20
    slice_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=60,
            description="Longest time in seconds to work on one slice before others get a turn.",
            examples=[0.5],
        ),
    ] = 0.5
    record_bytes: Annotated[
        Size,
        Field(description="A record with more bytes is a dead letter.", examples=["8MiB"]),
    ] = 8 * 2**20
    max_series: Annotated[
        int,
        Field(
            ge=1,
            le=100_000_000,
            description="Series that a worker watches at most; further ones are refused, counted"
            " and alerted once.",
            examples=[500_000],
        ),
    ] = 500_000
    max_features: Annotated[
        int,
        Field(
            ge=1, le=1_000_000, description="An event with more is a dead letter.", examples=[2000]
        ),
    ] = 2000


class Http(Section):
    """Where metrics and health are served."""

    host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="Address to listen on; anything but loopback can be read by others.",
            examples=["127.0.0.1"],
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65_535, description="Port; 0: any free one.", examples=[9464])
    ] = 9464


class Config(Section):
    """Everything that can be set. ``Config()`` watches every model with sound defaults.

    Raises
    ------
    pydantic.ValidationError
        When a value does not fit. `streamproc.contract.load.load` turns it into a `ConfigError`
        with file, line and field.

    Examples
    --------
    >>> config = Config()
    >>> [spec.name for spec in config.model("fraud").detectors("feature:amount")]
    ['adwin', 'page_hinkley']
    """

    broker: Annotated[
        BrokerUrl,
        Field(
            description="The Kafka cluster: kafka://host:port[,host:port…].",
            examples=["kafka://kafka-1:9092,kafka-2:9092"],
        ),
    ] = "kafka://localhost:9092"
    group: Annotated[
        str,
        Field(
            min_length=1,
            max_length=249,
            pattern=NAME_PATTERN,
            description="Consumer group: workers with the same one share the partitions.",
            examples=["streamproc"],
        ),
    ] = "streamproc"
    topics: Annotated[
        Topics, Field(description="Names and making of the topics.", examples=[{"prefix": ""}])
    ] = Topics()
    security: Annotated[
        Security,
        Field(description="TLS and SASL to the broker.", examples=[{"protocol": "SSL"}]),
    ] = Security()
    models: Annotated[
        tuple[ModelConfig, ...],
        AfterValidator(all_reached),
        Field(
            strict=False,
            description="What to watch of which models.",
            examples=[[{"id": "fraud", "owner": "risk-oncall"}]],
        ),
    ] = ()
    policy: Annotated[
        Policy,
        Field(
            description="When incidents are told and end.", examples=[{"update_interval": "10m"}]
        ),
    ] = Policy()
    limits: Annotated[
        Limits,
        Field(description="What a worker takes at most.", examples=[{"slice_records": 5000}]),
    ] = Limits()
    http: Annotated[
        Http | None,
        Field(
            description="Where metrics and health are served; null: nowhere.",
            examples=[{"host": "127.0.0.1", "port": 9464}],
        ),
    ] = Http()

    @property
    def bootstrap_servers(self) -> tuple[str, ...]:
        """The broker's addresses, each ``host:port``."""
        return tuple(self.broker.removeprefix("kafka://").split(","))

    def with_broker(self, url: str) -> Self:
        """Give the same configuration for another cluster.

        Parameters
        ----------
        url : str
            ``kafka://host:port[,host:port…]``

        Raises
        ------
        ConfigError
            When ``url`` is not such a URL.
        """
        try:
            return self.model_copy(update={"broker": _BROKER.validate_python(url, strict=True)})
        except ValidationError as error:
            raise ConfigError(f"broker: {error.errors()[0]['msg']}") from None

    def model(self, model_id: str) -> ModelConfig:
        """Give what is configured for a model.

        Parameters
        ----------
        model_id : str
            The id that events carry.

        Returns
        -------
        ModelConfig
            The first entry of ``models`` whose ``id`` matches; when none does, the built-in one,
            which watches every series with ADWIN and Page-Hinkley.
        """
        for model in self.models:
            if fnmatchcase(model_id, model.id):
                return model
        return self._default_model

    @cached_property
    def _default_model(self) -> ModelConfig:
        fields: dict[str, Any] = {"id": "*"}
        return ModelConfig.model_validate(fields)
