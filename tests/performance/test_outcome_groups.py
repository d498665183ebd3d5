"""Which outcomes count when several consumer groups write to one topic."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from streamproc.performance.outcome_log import OutcomeLog


def outcome(epoch: int, seq: int, group: str | None) -> Any:
    """Make the record of an outcome."""
    body = {
        "outcome_id": f"{group}-{epoch}-{seq}",
        "status": "labelled",
        "model_id": "m",
        "revision": 1,
        "epoch": epoch,
        "seq": seq,
    } | ({} if group is None else {"group": group})
    return SimpleNamespace(offset=0, headers=(), value=msgspec.json.encode(body))


def mark(epoch: int, group: str | None) -> Any:
    """Make the record with which an owner begins."""
    headers = [("epoch", b"%d" % epoch), ("writer", b"w")]
    headers += [] if group is None else [("group", group.encode())]
    return SimpleNamespace(offset=0, headers=headers, value=None)


LOG = [
    outcome(3, 0, "old"),
    mark(9, "new"),
    outcome(9, 0, "new"),
    outcome(3, 1, "old"),
    outcome(9, 1, "new"),
    outcome(3, 1, "old"),
]


@pytest.mark.parametrize(
    ("group", "wanted"),
    [("old", ["old-3-0", "old-3-1"]), ("new", ["new-9-0", "new-9-1"])],
)
def test_each_group_reads_its_own(group: str, wanted: list[str]) -> None:
    """Whoever writes beside it, a group counts all that its own writers wrote, once."""
    found: Any = [counted.row for counted in OutcomeLog(group=group).read(LOG)]
    assert [row.outcome_id for row in found] == wanted


def test_what_names_no_group_counts_for_all() -> None:
    """Outcomes of earlier versions are read on by the group that takes over, and fenced by it."""
    log = [mark(2, None), outcome(2, 0, None), mark(3, "new"), outcome(3, 0, "new")]
    found: Any = OutcomeLog(group="new").read([*log, outcome(2, 1, None)])
    assert [counted.row.outcome_id for counted in found] == ["None-2-0", "new-3-0"]
