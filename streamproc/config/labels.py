"""How long and where predictions wait for their labels."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from streamproc.schemas.base import Text
from streamproc.schemas.section import Section
from streamproc.schemas.units import Duration, Size


def _some(value: timedelta) -> timedelta:
    if not value:
        msg = "expected a duration above 0: no label comes together with its event"
        raise ValueError(msg)
    return value


class Labels(Section):
    """How events are joined with the truth about them."""

    horizon: Annotated[
        Duration,
        AfterValidator(_some),
        Field(
            description="Event time from an event to the last label that counts; later ones are"
            " published as `late`, and nothing learns from them.",
            examples=["7d"],
        ),
    ] = timedelta(days=7)
    memory: Annotated[
        Size,
        Field(
            description="Memory for what waits, for each worker process; the rest is on its disk.",
            examples=["64MiB"],
        ),
    ] = 64 * 2**20
    max_pending: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000_000,
            description="Events and early labels that wait in one partition at most; past it the"
            " oldest are given up, and counted.",
            examples=[20_000_000],
        ),
    ] = 20_000_000
    compare_after: Annotated[
        Duration | None,
        AfterValidator(lambda value: None if value is None else _some(value)),
        Field(
            description="Age at which events with a label are compared with the rest, to find"
            " labels that come only for some; null: the horizon, which is also the most.",
            examples=["1d"],
        ),
    ] = None
    segments: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            max_length=8,
            description="Names of tags by which events and labels are counted, besides those of"
            " `online.per`: for each of the first 50 values, and for all others together.",
            examples=[["region"]],
        ),
    ] = ()
    store: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=4096,
            description="Folder for what waits; null: in the user's cache. It may be lost: the"
            " topics are read again.",
            examples=["/var/lib/streamproc"],
        ),
    ] = None
