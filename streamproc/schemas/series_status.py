"""Define the schema of what `streamproc series` lists: how each series is watched."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from streamproc.schemas.base import Contract, ModelId, Text
from streamproc.schemas.clip import ClippedText

SeriesState = Literal["learning", "watched", "blind", "firing", "settled", "unwatched"]
"""State of a series. `learning`: in a warm-up. `blind`: its warm-up does not end, as it has too few
values; of a rule: no event was judged by it. `firing`, `settled`: in an open incident. `unwatched`:
`limits.max_series` left it out; or, of the series `segments`, values of a tag that are watched as
part of the model only."""

Character = Literal["unknown", "independent", "dependent", "daily", "weekly", "category"]
"""Character of a series. `dependent`: its values follow from those before. `daily`, `weekly`: they
also follow the hour of the day, or of the week. `category`: texts. `unknown`: not learned yet."""


class SeriesStatus(Contract):
    """How one series is watched."""

    model_id: Annotated[ModelId, Field(description="The model.", examples=["fraud"])]
    series: Annotated[ClippedText, Field(description="The series.", examples=["feature:amount"])]
    segment: Annotated[
        dict[ClippedText, ClippedText] | None,
        Field(
            description="The part of the events that it has values of; null: all; `*` of the series"
            " `segments`: all other values.",
            examples=[{"region": "eu"}],
        ),
    ] = None
    topic: Annotated[Text, Field(description="Its topic.", examples=["predictions"])]
    partition: Annotated[int, Field(ge=0, description="Its partition.", examples=[0])]
    state: Annotated[SeriesState, Field(description="Where it stands.", examples=["watched"])]
    character: Annotated[
        Character, Field(description="What its values are like.", examples=["daily"])
    ]
    values: Annotated[
        int,
        Field(
            ge=0,
            description="Values since its detectors started; of `segments`: events.",
            examples=[2000],
        ),
    ]
    needed: Annotated[
        int, Field(ge=0, description="Values that its warm-up takes.", examples=[200])
    ]
    incident_id: Annotated[
        Text | None, Field(description="Its open incident.", examples=["0b71fe2290ac"])
    ] = None

    def to_json(self) -> bytes:
        """Serialise as compact JSON."""
        return _STATUS.dump_json(self)


_STATUS: Final = TypeAdapter(SeriesStatus)
