"""Encode the tie order of a label among events of the same millisecond in a header."""

from collections.abc import Sequence
from typing import Final

AFTER_HEADER: Final = "after"
"""Header of a record of `labels`: the record's timestamp, a colon, and the number of events of its
model that the producer wrote in that millisecond before it."""

# A larger number of events per millisecond is implausible, and slow to parse.
_DIGITS: Final = 9


def after(stamp: int, events: int) -> tuple[str, bytes]:
    """Return the header of a label.

    Parameters
    ----------
    stamp
        The record's timestamp in milliseconds.
    events
        Number of events of the model that were written in that millisecond before it.

    Examples
    --------
    >>> after(1767607200123, 4)
    ('after', b'1767607200123:4')
    """
    return AFTER_HEADER, b"%d:%d" % (stamp, events)


def events_before(headers: Sequence[tuple[str, bytes | None]], stamp: int) -> int | None:
    """Return the number of events of its millisecond before a label; None if unknown.

    The header is ignored if the broker replaced the producer's timestamp.

    Examples
    --------
    >>> events_before([("after", b"1767607200123:4")], 1767607200123)
    4
    """
    for name, value in headers or ():
        if name == AFTER_HEADER:
            written, _, events = (value or b"").partition(b":")
            known = written == b"%d" % stamp and events.isdigit() and len(events) <= _DIGITS
            return int(events) if known else None
    return None
