"""Where an owner continues in the log of alerts and commands."""

import pytest

from streamproc.incidents.records import Position
from streamproc.worker.incidents.recovery import continued


@pytest.mark.parametrize(
    ("position", "begin", "end", "offset"),
    [
        (Position(9), 0, 20, 10),
        (Position(9), 0, 10, 10),
        (Position(9), 15, 20, 15),  # retention has deleted what was not applied
        (Position(9), 0, 5, 0),  # the log was deleted and created again
        (Position(109, base=100), 0, 20, 10),
    ],
)
def test_an_owner_continues_where_the_log_allows(
    position: Position, begin: int, end: int, offset: int
) -> None:
    """After the last applied record, or with the first one that there is; numbers only grow."""
    found = continued(position, begin, end, "incident-log")
    assert found.next_offset == offset
    assert offset + found.base > position.number
