from hypothesis import given
from hypothesis import strategies as st

from streamproc.core.join_entry import Input
from streamproc.core.join_merge import Merge
from streamproc.monitor import LogRecord

E, L = Input.PREDICTIONS, Input.LABELS


def stamped(*stamps: int) -> list[LogRecord]:
    """Make records of these times."""
    return [LogRecord(offset, b"", stamp) for offset, stamp in enumerate(stamps)]


def order(merge: Merge, *ended: Input, most: int = 100) -> str:
    """Take what there is; return it as letters and times."""
    taken = merge.take(ended, most)
    return " ".join(f"{'el'[log is L]}{record.timestamp}" for log, record in taken)


def test_the_backlog_of_two_logs_is_read_as_it_was_written() -> None:
    """Of two logs that are fetched in blocks, what was written first is joined first."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2, 5, 9))
    merge.add(L, stamped(3, 4, 6, 10))
    assert order(merge, E, L) == "e1 e2 l3 l4 e5 l6 e9 l10"


def test_within_a_millisecond_logs_take_turns() -> None:
    """Who writes events and labels in turns, dozens in a millisecond, has them joined so."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 1, 1, 2))
    merge.add(L, stamped(1, 1, 1, 2))
    assert order(merge, E, L) == "e1 l1 e1 l1 e1 l1 e2 l2"


def test_a_log_that_may_have_earlier_records_is_waited_for() -> None:
    """Nothing is taken past what is known of each log, unless it has come to its end."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2, 3))
    merge.add(L, stamped(2))
    assert order(merge) == "e1"
    assert order(merge, L) == "e2 l2"
    assert order(merge, E, L) == "e3"


def test_no_more_is_taken_than_asked_for() -> None:
    """A portion ends with the millisecond that fills it."""
    merge = Merge([E])
    merge.add(E, stamped(1, 2, 2, 3))
    assert order(merge, E, most=2) == "e1 e2 e2"


stamps = st.lists(st.integers(1, 3), max_size=20)


@given(stamps, stamps, st.integers(1, 4))
def test_everything_is_joined_in_the_end_whatever_came_at_once(
    events: list[int], labels: list[int], most: int
) -> None:
    """More of one millisecond than is fetched at once, in either log, does not stop the join."""
    merge = Merge([E, L])
    left = {E: stamped(*events), L: stamped(*labels)}
    joined = 0
    while joined < len(events) + len(labels):
        ended = {log for log, records in left.items() if not records}
        taken = merge.take(ended, most)
        fetched = {log: left[log][:most] for log in merge.short(most)} if not taken else {}
        assert taken or any(fetched.values()), "neither log is read any further"
        for log, records in fetched.items():
            merge.add(log, records)
            left[log] = left[log][most:]
        joined += len(taken)
