"""Where a label stands among the events that its producer wrote in the same millisecond."""

from collections.abc import Sequence
from typing import Final

AFTER_HEADER: Final = "after"
"""Header of a record of `labels`: its own timestamp, a colon, and how many events of its model its
producer had written in that millisecond before it."""

# Of one millisecond; what is longer is no number of events, and slow to read.
_DIGITS: Final = 9


def after(stamp: int, events: int) -> tuple[str, bytes]:
    """Make the header.

    Parameters
    ----------
    stamp
        The record's timestamp in milliseconds.
    events
        How many events of the model were written in that millisecond before it.

    Examples
    --------
    >>> after(1767607200123, 4)
    ('after', b'1767607200123:4')
    """
    return AFTER_HEADER, b"%d:%d" % (stamp, events)


def events_before(headers: Sequence[tuple[str, bytes | None]], stamp: int) -> int | None:
    """Return how many events of its millisecond a label follows; None when it does not say.

    A broker that stamps records itself makes the number mean nothing: then it is not believed.

    Examples
    --------
    >>> events_before([("after", b"1767607200123:4")], 1767607200123)
    4
    """
    for name, value in headers or ():
        if name == AFTER_HEADER:
            said, _, events = (value or b"").partition(b":")
            known = said == b"%d" % stamp and events.isdigit() and len(events) <= _DIGITS
            return int(events) if known else None
    return None
