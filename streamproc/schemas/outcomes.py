"""Define the schema of outcomes: predictions joined with their labels."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from streamproc.schemas.base import Source, Text
from streamproc.schemas.events import Feature, FeatureName, Observation, Prediction, Scalar
from streamproc.schemas.timestamps import EventTime

EPOCH_HEADER: Final = "epoch"
WRITER_HEADER: Final = "writer"
GROUP_HEADER: Final = "group"
"""Headers of the empty record by which a new owner of a partition begins."""
COMMAND_HEADER: Final = "command"
"""Header of a verified command for online models."""

OutcomeStatus = Literal["asked", "labelled", "revised", "late", "unmatched", "coverage"]
"""Status of an outcome; see the field's description."""


class OutcomeEvent(Observation):
    """An event with its label, if known; the input of error detectors and online models.

    Each partition has one writer, so a replay sees outcomes in the order in which they were
    written, however the input topics were read then. `streamproc.performance.outcome_log` decides
    which records count.

    Examples
    --------
    >>> outcome = OutcomeEvent(
    ...     outcome_id="5f0c9a7e21b84d36-1", status="labelled", revision=1, epoch=1, seq=0,
    ...     model_id="fraud", event_id="9f2c", ts=1767607200, prediction=0.93, label=1.0,
    ...     label_ts=1767693600, delay=86400.0,
    ... )
    >>> OutcomeEvent.from_json(outcome.to_json()) == outcome
    True
    """

    # Fields without a value are not written.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    outcome_id: Annotated[
        Text,
        Field(
            description="The same for the same model, event and revision, whoever wrote it.",
            examples=["5f0c9a7e21b84d36-1"],
        ),
    ]
    event_id: Annotated[
        Text | None,
        Field(description="The event; null: it has none, and is only asked.", examples=["9f2c"]),
    ] = None
    status: Annotated[
        OutcomeStatus,
        Field(
            description="`asked`: the event came, and an online model is to answer it; `labelled`:"
            " its first label; `revised`: a later, different one; `late`: a label past"
            " `labels.horizon`, which nothing learns from; `unmatched`: a label whose event did"
            " not come within `labels.horizon`, or which is later than two of them; `coverage`:"
            " about no event, but how many of many have a label (`coverage`), or what was predicted"
            " for many (`predictions`).",
            examples=["labelled"],
        ),
    ]
    revision: Annotated[
        int,
        Field(
            ge=0,
            description="0: no label, or no event; 1: the first label; …, equal ones not counted.",
            examples=[1],
        ),
    ]
    features: Annotated[
        dict[FeatureName, Feature] | None,
        Field(description="The features of the event, as it had them.", examples=[{"amount": 12}]),
    ] = None
    prediction: Annotated[
        Prediction | None,
        Field(description="The model's prediction; null for a feature event.", examples=[0.93]),
    ] = None
    label: Annotated[
        Scalar | None, Field(description="The true value; null while asked.", examples=[1, "cat"])
    ] = None
    label_ts: Annotated[
        EventTime | None,
        Field(description="Event time of the label.", examples=["2026-01-06T10:00:00Z"]),
    ] = None
    delay: Annotated[
        float | None,
        Field(description="Seconds from the event to its label.", examples=[86400.0]),
    ] = None
    event_source: Annotated[
        Source | None,
        Field(
            description="The record of the event; null when unmatched.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ] = None
    label_source: Annotated[
        Source | None,
        Field(
            description="The record of the label; null while asked.",
            examples=[{"topic": "labels", "partition": 0, "offset": 12345}],
        ),
    ] = None
    coverage: Annotated[
        dict[str, dict[str, tuple[int, int]]] | None,
        Field(
            strict=False,
            description="Of events that are old enough, by what tells them apart (`score`,"
            " `class`, `tag:<name>`) and its value (of scores the least one, of values that are"
            " too many the empty text): how many there were, and how many of them have a label.",
            examples=[{"score": {"0.1": [120, 60], "0.9": [80, 2]}}],
        ),
    ] = None
    predictions: Annotated[
        list[Prediction | None] | None,
        Field(
            strict=False,
            description="A hundred predictions of the version in a row, each in one outcome, from"
            " which its error is estimated before labels arrive; the last one's event is that of"
            " `ts` and `event_source`. Of class probabilities the most probable class only.",
            examples=[[0.93, 0.02]],
        ),
    ] = None
    segments: Annotated[
        dict[str, list[str | None]] | None,
        Field(
            description="Of `predictions`, if `models[].segments` names tags: by tag, its value for"
            " each of them; null without one.",
            examples=[{"region": ["eu", None]}],
        ),
    ] = None
    epoch: Annotated[
        int,
        Field(
            ge=0,
            description="Grows with every new owner of the partition: what an owner writes after"
            " its successor has begun does not count.",
            examples=[1],
        ),
    ]
    seq: Annotated[
        int,
        Field(
            ge=0,
            description="Counts the outcomes of an epoch: one that is not above the last was sent"
            " twice, and does not count.",
            examples=[0],
        ),
    ]
    group: Annotated[
        str | None,
        Field(
            description="The consumer group whose worker wrote it. Groups on one topic count"
            " epochs apart: read those of one.",
            examples=["streamproc"],
        ),
    ] = None

    def to_json(self) -> bytes:
        """Serialise the outcome as compact JSON; equal outcomes give equal bytes."""
        return _JSON.dump_json(self, exclude_none=True)

    @classmethod
    def from_json(cls, value: bytes | str) -> "OutcomeEvent":
        """Deserialise an outcome that this or a later minor version wrote.

        Raises
        ------
        pydantic.ValidationError
            If it is not an `OutcomeEvent` of this major version.
        """
        return cls.model_validate_json(value)


_JSON: Final = TypeAdapter(OutcomeEvent)
