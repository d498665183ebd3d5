"""Define the schemas of online models' predictions and updates."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from streamproc.schemas.alerts import Measure
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.events import Prediction, Probability
from streamproc.schemas.timestamps import EventTime

Step = Literal[
    "learned", "reset", "replaced", "challenger", "promoted", "rolled_back", "retired", "failed"
]
"""Kind of an online model's update."""


class OnlinePrediction(Contract):
    """An online model's prediction for an event.

    Examples
    --------
    >>> answer = OnlinePrediction(
    ...     model_id="fraud", event_id="9f2c", prediction=True,
    ...     probabilities={"true": 0.9, "false": 0.1}, version=3, learned=12_000,
    ...     source={"topic": "outcomes", "partition": 0, "offset": 7},
    ... )
    >>> OnlinePrediction.from_json(answer.to_json()) == answer
    True
    """

    model_id: Annotated[ModelId, Field(description="Which model.", examples=["fraud"])]
    event_id: Annotated[Text | None, Field(description="The event.", examples=["9f2c"])] = None
    ts: Annotated[
        EventTime | None, Field(description="Event time.", examples=["2026-01-05T10:00:00Z"])
    ] = None
    segment: Annotated[
        dict[Text, Text] | None,
        Field(description="The part that this model is of; null: all.", examples=[{"shop": "7"}]),
    ] = None
    prediction: Annotated[
        Prediction | None,
        Field(description="A number or a class; null: it knows no class yet.", examples=[True]),
    ] = None
    probabilities: Annotated[
        dict[Text, Probability] | None,
        Field(description="Class → probability; null for a regression.", examples=[{"true": 0.9}]),
    ] = None
    version: Annotated[int, Field(ge=0, description="Version of the model.", examples=[3])]
    learned: Annotated[
        int, Field(ge=0, description="Labels that it had learned from.", examples=[12000])
    ]
    source: Annotated[
        Source,
        Field(
            description="The record that asked.",
            examples=[{"topic": "outcomes", "partition": 0, "offset": 12345}],
        ),
    ]

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal predictions give equal bytes."""
        return _ANSWER.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "OnlinePrediction":
        """Deserialise what this or a later minor version wrote.

        Raises
        ------
        pydantic.ValidationError
            If it is not an `OnlinePrediction` of this major version.
        """
        return cls.model_validate_json(value)


class ModelUpdate(Contract):
    """One update of an online model, with what is needed to apply it elsewhere.

    All fields are a pure function of the outcomes and the configuration.

    Examples
    --------
    >>> update = ModelUpdate(
    ...     update_id="a1", model_id="fraud", step="learned", version=3, learned=12_000,
    ...     source={"topic": "outcomes", "partition": 0, "offset": 7},
    ... )
    >>> ModelUpdate.from_json(update.to_json()) == update
    True
    """

    update_id: Annotated[
        Text,
        Field(
            description="The same for the same input and config: drop what you have seen.",
            examples=["5f0c9a7e21b84d36"],
        ),
    ]
    model_id: Annotated[ModelId, Field(description="Which model.", examples=["fraud"])]
    segment: Annotated[
        dict[Text, Text] | None,
        Field(description="The part that this model is of; null: all.", examples=[{"shop": "7"}]),
    ] = None
    step: Annotated[
        Step,
        Field(
            description="`learned`: further labels, same version; `reset`: it starts untrained;"
            " `replaced`: a background model took over; `challenger`: one starts in the shadow;"
            " `promoted`: it proved better and answers now; `rolled_back`: an earlier version"
            " answers again; `retired`: a challenger was given up; `failed`: the model raised or"
            " gave no number, and the last good version answers.",
            examples=["learned"],
        ),
    ]
    version: Annotated[
        int, Field(ge=0, description="The version that this is about.", examples=[3])
    ]
    serving: Annotated[
        int, Field(ge=0, description="The version that answers from here on.", examples=[3])
    ] = 0
    cause: Annotated[
        Text | None,
        Field(
            description="Id of the alert or of the command that led to it; null: the stream did.",
            examples=["5f0c9a7e21b84d36"],
        ),
    ] = None
    ts: Annotated[
        EventTime | None,
        Field(description="Event time of the last label.", examples=["2026-01-05T10:00:00Z"]),
    ] = None
    learned: Annotated[
        int, Field(ge=0, description="Labels that this version has learned from.", examples=[120])
    ]
    metrics: Annotated[
        dict[Text, Measure],
        Field(
            description="Prequential metrics of this version: each answer was judged before its"
            " label was learned. Beside them `production_…` and `floor_…` of the same events.",
            default_factory=dict,
            examples=[{"accuracy": 0.91, "production_accuracy": 0.88}],
        ),
    ]
    model: Annotated[
        list[Any] | None,
        Field(
            description="What the model is, as in the configuration.",
            examples=[["preprocessing.StandardScaler", "linear_model.LogisticRegression"]],
        ),
    ] = None
    parameters: Annotated[
        dict[Text, Any] | None,
        Field(
            description="The parameters in a plain form, by its `form`; null where there is none.",
            examples=[{"form": "linear", "weights": {"amount": 0.2}, "intercept": -1.0}],
        ),
    ] = None
    source: Annotated[
        Source,
        Field(
            description="The record that led to it.",
            examples=[{"topic": "outcomes", "partition": 0, "offset": 12345}],
        ),
    ]

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal updates give equal bytes."""
        return _UPDATE.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "ModelUpdate":
        """Deserialise what this or a later minor version wrote.

        Raises
        ------
        pydantic.ValidationError
            If it is not a `ModelUpdate` of this major version.
        """
        return cls.model_validate_json(value)


_ANSWER: Final = TypeAdapter(OnlinePrediction)
_UPDATE: Final = TypeAdapter(ModelUpdate)
