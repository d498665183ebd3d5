"""When a model that sends no events is reported."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from streamproc.schemas.section import Section
from streamproc.schemas.units import Duration

_MINUTE: Final = timedelta(minutes=1)


def _in_minutes(value: timedelta | None) -> timedelta | None:
    if value is not None and value < _MINUTE:
        msg = "expected a duration of a minute or more: event time is counted in minutes"
        raise ValueError(msg)
    return value


class Silence(Section):
    """How long a model may send nothing."""

    watch: Annotated[
        bool,
        Field(description="Whether a silent model is reported.", examples=[False]),
    ] = True
    after: Annotated[
        Duration | None,
        AfterValidator(_in_minutes),
        Field(
            description="Event time without an event; null: learned from the hours at which the"
            " model sends, and from its longest gap.",
            examples=["2h"],
        ),
    ] = None
