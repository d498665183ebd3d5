"""The topics: their names, and how missing ones are created."""

from typing import Annotated, Final, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from streamproc.contract.section import Section, refuse, refuse_if_any
from streamproc.contract.units import Duration

NAME_PATTERN: Final = r"^[A-Za-z0-9._-]+$"
PREFIX_PATTERN: Final = r"^[A-Za-z0-9._-]*$"
TopicName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=249)]
TopicKind = Literal["predictions", "features", "alerts", "dead_letters", "snapshots"]
KINDS: Final[tuple[TopicKind, ...]] = (
    "predictions",
    "features",
    "alerts",
    "dead_letters",
    "snapshots",
)


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
    snapshots: Annotated[
        TopicName,
        Field(
            description="Kept state of the workers; compacted, for nobody else to read or write.",
            examples=["snapshots"],
        ),
    ] = "snapshots"
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
