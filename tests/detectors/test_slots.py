import numpy as np
import pytest

from streamproc.detectors.series.gross import Gross
from streamproc.detectors.series.mixes import Mixes


@pytest.mark.parametrize("held", [False, True], ids=["nobody looks", "somebody holds a view"])
def test_slots_that_grow_keep_what_they_know(*, held: bool) -> None:
    """Records are enlarged in place, unless a view of them would be left without its memory."""
    grown, fresh = Gross(50), Gross(5000)
    values = np.random.default_rng(3).normal(size=(50, 300))
    tasks = np.array([[slot, 0, 300, slot] for slot in range(50)])
    for gross in (grown, fresh):
        gross.scan(values, tasks, np.arange(300.0))
    view = grown.since if held else None

    grown.resize(5000)

    after, expected = grown.state(), fresh.state()
    assert all(np.array_equal(after[name], expected[name], equal_nan=True) for name in expected)
    assert view is None or np.array_equal(view, expected["since"][:50])


def test_rows_of_slots_that_grow_keep_what_they_know() -> None:
    """Arrays beside the records grow with them."""
    grown, fresh = Mixes(2), Mixes(200)
    values = np.random.default_rng(3).integers(0, 4, size=(2, 3000)).astype(float)
    tasks = np.array([[slot, 0, 3000, slot] for slot in range(2)])
    rows = np.arange(3000.0), np.arange(3000)
    for mixes in (grown, fresh):
        mixes.scan(values, tasks, rows)

    grown.resize(200)

    after, expected = grown.state(), fresh.state()
    assert all(np.array_equal(after[name], expected[name]) for name in expected)
