"""An incident, and the series of a model that take part in it."""

from bisect import insort
from datetime import datetime
from typing import Final

from streamproc.schemas.alerts import Contributor
from streamproc.schemas.segment_series import label_of

MAX_NAMED: Final = 20
"""Contributors that an alert lists: where 2,000 features change at once, each of their alerts
would else name all the others."""
_IN_A_SENTENCE: Final = 2
_DECIMALS: Final = 3


class IncidentGroup:
    """The series of an incident, with its beginning and their effect sizes.

    Parameters
    ----------
    id, first
        Id of the incident, and the offset of the record of its first alert.
    reported_at
        Event time of that alert; of the last one, if all series of a model are one incident.

    Attributes
    ----------
    open : set of str
        Series that have not been quiet since.
    settled : set of str
        Those of them that are quiet on another level than before.
    explained : list of Contributor or None
        The features that explain it, if it is one of errors.
    sizes : dict of float
        Of the changes of all series that have fired in it, in that order.
    """

    __slots__ = (
        "_largest",
        "_shares",
        "_total",
        "explained",
        "first",
        "id",
        "open",
        "reported_at",
        "settled",
        "sizes",
    )

    def __init__(self, id: str, first: int, reported_at: datetime) -> None:  # noqa: A002  as of an Incident
        self.id, self.first, self.reported_at = id, first, reported_at
        self.open: set[str] = set()
        self.settled: set[str] = set()
        self.explained: list[Contributor] | None = None
        self.sizes: dict[str, float] = {}
        self._total = 0.0
        self._largest: list[tuple[float, str]] = []  # less than nothing, to sort the largest first
        self._shares: list[Contributor] | None = None

    def join(self, series: str, size: float) -> None:
        """Let a series take part; what it counts is its first change."""
        self.open.add(series)
        self.settled.discard(series)
        if series in self.sizes:
            return
        self.sizes[series], self._shares = size, None
        self._total += size
        insort(self._largest, (-size, series))
        del self._largest[MAX_NAMED:]

    def contributors(self) -> list[Contributor] | None:
        """Tell whose change it was, the largest share first; None of a single series."""
        if self._shares is None and len(self.sizes) > 1:
            self._shares = [
                Contributor(series=label_of(series), share=round(-size / self._total, _DECIMALS))
                for size, series in self._largest
            ]
        return self._shares

    def others(self, series: str, *, still_open: bool) -> tuple[list[str], int]:
        """Name the largest of the others, and count the rest of them."""
        among = self.open if still_open else self.sizes.keys()
        named = [other for _, other in self._largest if other != series and other in among][
            :_IN_A_SENTENCE
        ]
        return named, len(among) - (series in among) - len(named)
