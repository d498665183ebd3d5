"""Mark alerts that nobody is paged for: headers of their records on `alerts`.

They are headers, since a replay writes the same value at another time, when other silences hold.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

SILENCED_HEADER: Final = "silenced"
"""Header with the ids of the silences that cover an alert, separated by commas."""
INHIBITED_HEADER: Final = "inhibited"
"""Header with the ids of the open incidents that hide its series, separated by commas."""
MAX_IDS: Final = 16
"""Ids in a header: a thousand silences that cover one alert would be larger than the alert."""


class AlertMarks(NamedTuple):
    """Why nobody is paged for an alert.

    Attributes
    ----------
    silenced_by
        Ids of the silences that cover it; `maintenance:<name>` for a window of the configuration.
    inhibited_by
        Ids of the open incidents across models that hide its series.
    """

    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()

    def headers(self) -> Iterator[tuple[str, bytes]]:
        """Yield the headers of the record; none without ids, and at most `MAX_IDS` in each.

        Examples
        --------
        >>> list(AlertMarks(("5d0e1f22a0b1", "maintenance:reload")).headers())
        [('silenced', b'5d0e1f22a0b1,maintenance:reload')]
        """
        for name, ids in zip((SILENCED_HEADER, INHIBITED_HEADER), self, strict=True):
            if ids:
                yield name, ",".join(ids[:MAX_IDS]).encode()


UNMARKED: Final = AlertMarks()
"""The marks of an alert that nothing covers."""


def marks_of(headers: Sequence[tuple[str, bytes | None]]) -> AlertMarks:
    """Return the marks of a record of `alerts`.

    Examples
    --------
    >>> marks_of([("silenced", b"5d0e1f22a0b1"), ("trace", b"1")]).silenced_by
    ('5d0e1f22a0b1',)
    """
    if not headers:
        return UNMARKED
    last = dict(headers)
    return AlertMarks(_ids(last.get(SILENCED_HEADER)), _ids(last.get(INHIBITED_HEADER)))


def _ids(value: bytes | None) -> tuple[str, ...]:
    if not value:
        return ()
    return tuple(value.decode("utf-8", "replace").split(",", MAX_IDS)[:MAX_IDS])
