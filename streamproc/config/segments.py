"""Which parts of a model's events are watched by themselves."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from streamproc.schemas.base import Text
from streamproc.schemas.section import Section, refuse_if_any

_TENTH: Final = 10


def _all_different(tags: tuple[str, ...]) -> tuple[str, ...]:
    refuse_if_any(
        [
            ((place,), "is in this list already")
            for place, tag in enumerate(tags)
            if tag in tags[:place]
        ]
    )
    return tags


class Segments(Section):
    """The tags by whose values a model is watched, too.

    Examples
    --------
    >>> Segments(tags=("region", "device")).rarer
    20
    """

    tags: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=255)], ...],
        AfterValidator(_all_different),
        Field(
            strict=False,
            min_length=1,
            max_length=8,
            description="Names of tags. Each numeric feature and prediction, and the estimated"
            " error, also is a series for each of a tag's values.",
            examples=[["region"]],
        ),
    ]
    largest: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="Values of each tag that are watched: the first ones to be on 100 events."
            " Others are watched only as part of the model.",
            examples=[10],
        ),
    ] = 10

    @property
    def rarer(self) -> int:
        """How many times as rare false alarms of a segment are as those of all events.

        The segments of a tag have no more values together than the series of all events has, so
        that they add a tenth to its false alarms.
        """
        return _TENTH * len(self.tags)
