"""Define the schemas of prediction, feature and label events."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from streamproc.errors import StreamprocError
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.timestamps import EventTime

# A label's text is part of each of its outcomes; class names are shorter.
MAX_LABEL_LENGTH: Final = 10_000

# Tried strictly in this order: `true` is a boolean, and 1 is a number.
Scalar = Annotated[bool | float | Text, Field(union_mode="left_to_right")]
"""A boolean, a finite number or a text."""

Feature = Annotated[bool | float | Text | list[float] | None, Field(union_mode="left_to_right")]
"""A feature's value: boolean, finite number, text (a category), numbers (an embedding) or null."""

FeatureName = Annotated[str, Field(min_length=0, max_length=1000)]
"""A feature's name; limited, since alerts contain it."""

Probability = Annotated[float, Field(ge=0, le=1)]
Prediction = Annotated[
    bool | float | Text | Annotated[dict[Text, Probability], Field(min_length=1)],
    Field(union_mode="left_to_right"),
]
"""A prediction: a number, a class (boolean or text), or class → probability."""


class EventError(StreamprocError):
    """A mapping is not a valid event.

    The message names each invalid field and what is expected. In a topic such an event becomes a
    dead letter; correct its producer.
    """


class Coordinate(Source):
    """Coordinates of an event: its record, and its index if the record is a batch."""

    index: Annotated[
        int, Field(ge=0, description="Place of the event in its record.", examples=[0])
    ] = 0
    timestamp: Annotated[
        int,
        Field(
            description="The record's timestamp, milliseconds since 1970; counts without `ts`.",
            examples=[1767607200000],
        ),
    ] = 0


def _coordinate_or_nothing(value: object) -> object:
    """Ignore a ``source`` without topic, partition and offset: it is an unknown field."""
    if isinstance(value, Mapping) and not {"topic", "partition", "offset"} <= value.keys():
        return None
    return value if isinstance(value, Mapping | Source) else None


class Event(Contract):
    """Fields of all events.

    Raises
    ------
    pydantic.ValidationError
        If a field is missing or has the wrong type; nothing is converted.
    """

    model_id: Annotated[
        ModelId, Field(description="Which model the event is about.", examples=["fraud"])
    ]
    event_id: Annotated[
        Text | None,
        Field(
            description="Joins a prediction with its label; events without one are not joined.",
            examples=["9f2c"],
        ),
    ] = None
    ts: Annotated[
        EventTime | None,
        Field(
            description="Event time: RFC 3339 with an offset, or a number of seconds since 1970,"
            " of milliseconds when it is 1e11 or more. Default: the record's timestamp.",
            examples=["2026-01-05T10:00:00Z", 1767607200, 1767607200000],
        ),
    ] = None
    schema_version: Annotated[
        Annotated[str, Field(pattern=r"^1(\.[0-9]+)?$")]
        | Annotated[float, Field(ge=1, lt=2)]
        | None,
        Field(
            union_mode="left_to_right",
            description="Version of this contract, major and minor. Default: 1. A later minor is"
            " read, without what it adds; another major is a dead letter.",
            examples=["1.0"],
        ),
    ] = None
    source: Annotated[
        SkipJsonSchema[Coordinate | None],
        BeforeValidator(_coordinate_or_nothing),
        Field(
            description="Where the event was read, for replay through `Monitor`: topic,"
            " partition, offset and the index in the record. Never read from a topic's events.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345, "index": 0}],
        ),
    ] = None


_FEATURES: Final = Field(
    description="Name → number, boolean, text (a category), list of numbers (an embedding) or"
    " null (missing). A text of digits stays a category, unless the model's `numbers`"
    " names it; a text feature of decimal fractions is a number.",
    examples=[{"amount": 12.5, "country": "DE", "new_device": False, "age": None}],
)


class Observation(Event):
    """Fields of feature and prediction events."""

    model_version: Annotated[
        Text | None, Field(description="Version of the model.", examples=["7"])
    ] = None
    tags: Annotated[
        dict[Text, Text] | None,
        Field(
            description="Name → text: groups that the event belongs to.",
            examples=[{"region": "eu"}],
        ),
    ] = None


class FeatureEvent(Observation):
    """Features without a prediction: a model's input, or business metrics.

    Examples
    --------
    >>> event = FeatureEvent(model_id="fraud", features={"amount": 12, "postcode": "01067"})
    >>> event.features["amount"], event.features["postcode"]
    (12.0, '01067')
    """

    features: Annotated[
        dict[FeatureName, Feature],
        _FEATURES,
    ]


class PredictionEvent(Observation):
    """A prediction, with the features that it was made from.

    Examples
    --------
    >>> PredictionEvent(model_id="fraud", prediction={"cat": 0.9, "dog": 0.1}).prediction["cat"]
    0.9
    """

    features: Annotated[
        dict[FeatureName, Feature] | None,
        _FEATURES,
    ] = None
    prediction: Annotated[
        Prediction,
        Field(
            description="A number (a regression's value, or the positive class's probability),"
            " a text or boolean (a class), or an object of class → probability in [0, 1].",
            examples=[0.93, "cat", True, {"cat": 0.9, "dog": 0.1}],
        ),
    ]


class LabelEvent(Event):
    """The label of an event; a later one for the same ``event_id`` is a revision.

    Examples
    --------
    >>> LabelEvent(model_id="fraud", event_id="9f2c", label=True).label
    True
    """

    event_id: Annotated[
        Text, Field(description="The event that the truth is about.", examples=["9f2c"])
    ]
    label: Annotated[
        bool | float | Annotated[str, Field(max_length=MAX_LABEL_LENGTH)],
        Field(
            union_mode="left_to_right",
            description="The true value: a number, or a class (boolean or text).",
            examples=[1, "cat", True],
        ),
    ]


AnyEvent = PredictionEvent | FeatureEvent | LabelEvent
"""An event of any kind."""

_SHAPES: Final = {
    "features": "a finite number, boolean, text, list of finite numbers, or null",
    "prediction": "a finite number, boolean, text, or an object of class → probability in [0, 1]",
    "label": "a finite number, boolean or text",
}


def parse_event(fields: Mapping[str, Any]) -> AnyEvent:
    """Parse a mapping into an event.

    Parameters
    ----------
    fields : Mapping
        With ``label`` it is a `LabelEvent`, else with ``prediction`` a `PredictionEvent`, else a
        `FeatureEvent`.

    Returns
    -------
    PredictionEvent, FeatureEvent or LabelEvent

    Raises
    ------
    EventError
        If a field is missing or has the wrong type.

    Examples
    --------
    >>> type(parse_event({"model_id": "fraud", "prediction": 0.93})).__name__
    'PredictionEvent'
    """
    kind: type[AnyEvent] = FeatureEvent
    if "label" in fields:
        kind = LabelEvent
    elif "prediction" in fields:
        kind = PredictionEvent
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        raise EventError(_explain(kind.__name__, error)) from error


def _explain(kind: str, error: ValidationError) -> str:
    """Name each invalid field once, although pydantic reports each type of a union."""
    wrong: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        location = detail["loc"]
        field = ".".join(str(part) for part in location[: 2 if location[0] == "features" else 1])
        shape = _SHAPES.get(str(location[0])) if detail["type"] != "missing" else None
        wrong.setdefault(field, f"expected {shape}" if shape else _plain(detail["msg"]))
    return f"{kind}: " + "; ".join(f"{field}: {reason}" for field, reason in wrong.items())


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "expected")
