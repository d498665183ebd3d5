"""The topics: their names, and how missing ones are created."""

from datetime import UTC, tzinfo
from functools import cache
from typing import Annotated, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AliasChoices, Field, model_validator

from streamproc.schemas.section import Section, refuse, refuse_if_any
from streamproc.schemas.units import Duration

NAME_PATTERN: Final = r"^[A-Za-z0-9._-]+$"
PREFIX_PATTERN: Final = r"^[A-Za-z0-9._-]*$"
TopicName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=249)]
TopicKind = Literal[
    "predictions",
    "features",
    "labels",
    "outcomes",
    "alerts",
    "model_updates",
    "online_predictions",
    "control",
    "dead_letters",
    "snapshots",
    "incidents",
    "incident_log",
]
KINDS: Final[tuple[TopicKind, ...]] = get_args(TopicKind)
DASHED: Final = {kind: kind.replace("_", "-") for kind in KINDS if "_" in kind}
"""Kinds that may be written in the configuration as the topic itself is by default."""


@cache
def zone_of(name: str) -> tzinfo:
    """Return a time zone.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    if name == "UTC":
        return UTC  # needs no time zone database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        msg = f"unknown time zone {name!r}; expected an IANA name such as Europe/Berlin"
        raise ValueError(msg) from error


def _known_zone(name: str) -> str:
    try:
        zone_of(name)
    except ValueError as error:
        refuse(((), str(error)))
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


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
    labels: Annotated[
        TopicName, Field(description="In: the truth, whenever it is known.", examples=["labels"])
    ] = "labels"
    outcomes: Annotated[
        TopicName,
        Field(description="Out: predictions joined with their labels.", examples=["outcomes"]),
    ] = "outcomes"
    alerts: Annotated[TopicName, Field(description="Out: alerts.", examples=["alerts"])] = "alerts"
    model_updates: Annotated[
        TopicName,
        Field(
            validation_alias=AliasChoices("model_updates", "model-updates"),
            description="Out: each step of the online models; may also be written `model-updates`.",
            examples=["model-updates"],
        ),
    ] = "model-updates"
    online_predictions: Annotated[
        TopicName,
        Field(
            validation_alias=AliasChoices("online_predictions", "online-predictions"),
            description="Out: what online models answer; may also be written `online-predictions`.",
            examples=["online-predictions"],
        ),
    ] = "online-predictions"
    control: Annotated[
        TopicName,
        Field(
            description="In: signed commands; there is none unless `control` is set.",
            examples=["control"],
        ),
    ] = "control"
    dead_letters: Annotated[
        TopicName,
        Field(
            validation_alias=AliasChoices("dead_letters", "dead-letters"),
            description="Out: records that are not valid events, unchanged; may also be written"
            " `dead-letters`.",
            examples=["dead-letters"],
        ),
    ] = "dead-letters"
    snapshots: Annotated[
        TopicName,
        Field(
            description="Kept state of the workers; compacted, for nobody else to read or write.",
            examples=["snapshots"],
        ),
    ] = "snapshots"
    incidents: Annotated[
        TopicName,
        Field(
            description="Out: incidents across models, and silences; compacted, one partition.",
            examples=["incidents"],
        ),
    ] = "incidents"
    incident_log: Annotated[
        TopicName,
        Field(
            validation_alias=AliasChoices("incident_log", "incident-log"),
            description="Alerts and commands in the order from which incidents are derived, for"
            " nobody else to write; one partition; may also be written `incident-log`.",
            examples=["incident-log"],
        ),
    ] = "incident-log"
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
        Annotated[int, Field(ge=1, le=100)] | None,
        Field(
            description="Replicas of a topic that is created; null: the broker's"
            " `default.replication.factor`.",
            examples=[3],
        ),
    ] = None
    retention: Annotated[
        Duration | None,
        Field(
            description="How long a topic that is created keeps records; null: as the broker"
            " does by default.",
            examples=["7d"],
        ),
    ] = None

    begin: Annotated[
        Literal["earliest", "latest"],
        Field(
            description="Where to begin predictions, features and labels when the group reads them"
            " for the first time: with the first record, or with those that come from then on.",
            examples=["latest"],
        ),
    ] = "earliest"
    zone: Annotated[
        ZoneName,
        Field(
            description="Time zone of a `ts` without one, by its IANA name.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"

    @property
    def tzinfo(self) -> tzinfo:
        """The time zone of a `ts` without one."""
        return zone_of(self.zone)

    def full_name(self, kind: TopicKind) -> str:
        """Give a topic's name on the broker, with the prefix."""
        return f"{self.prefix}{getattr(self, kind)}"

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, value: object) -> object:
        if isinstance(value, dict):
            refuse_if_any(
                [
                    ((dashed,), f"is the same key as `{kind}`: keep one")
                    for kind, dashed in DASHED.items()
                    if {kind, dashed} <= value.keys()
                ]
            )
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
                problems.append(((kind,), "with its prefix is not a topic name that Kafka accepts"))
        refuse_if_any(problems)
        return self
