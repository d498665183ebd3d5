"""The counts of categories, and where their shares changed."""

import numpy as np
import pytest

from streamproc.detectors import CategoryCounts, SeriesMonitor
from streamproc.detectors.errors import ParameterError, StateError
from streamproc.detectors.runtime.slots import every_row


def fed(values: np.ndarray, **sizes: int) -> CategoryCounts:
    """Feed a row to the one slot of new shares; times are twice the column, offsets thrice."""
    values = np.atleast_2d(values).astype(np.float64)
    shares = CategoryCounts(len(values), **sizes)
    columns = np.arange(values.shape[1])
    shares.scan(values, values, every_row(values), 2.0 * columns, 3 * columns)
    return shares


def test_the_likeliest_change_is_near_the_true_one() -> None:
    """A change is dated to within 8 values where it is plain, with the shares on either side."""
    rng = np.random.default_rng(1)
    for at in (1003, 1040, 1099):
        values = np.append(rng.choice(2, at, p=[0.9, 0.1]), rng.choice(2, 1120 - at, p=[0, 1]))
        change = fed(values).change(0)
        assert abs(change.offset / 3 - at) <= 8
        assert change.ts * 3 == change.offset * 2
        assert (change.before.n, change.after.n) == (change.offset // 3, 1120 - change.offset // 3)
        assert change.before.shares[0.0] == pytest.approx(0.9, abs=0.05)
        assert change.after.shares[1.0] > 0.9


def test_categories_beyond_the_cap_are_the_rest() -> None:
    """The first categories are counted by themselves, the others together."""
    level = fed(np.array([5, 7, 5, 9, 8, 9, 5, 5]), cap=2).level(0)
    assert (level.n, dict(level.shares), level.rest) == (8, {5.0: 0.5, 7.0: 0.125}, 0.375)


def test_missing_values_are_not_counted() -> None:
    """NaN is no category."""
    level = fed(np.array([1.0, np.nan, 2.0, np.nan])).level(0)
    assert (level.n, dict(level.shares)) == (2, {1.0: 0.5, 2.0: 0.5})


def test_any_split_and_any_save_is_the_same() -> None:
    """However rows are cut, and saved and loaded between, the state is the same to the bit."""
    values = np.random.default_rng(2).choice(50, (3, 700)).astype(np.float64)
    tasks, columns = every_row(values), np.arange(700)
    whole = fed(values)
    parts = CategoryCounts(3)
    for start, stop in ((0, 1), (1, 333), (333, 334), (334, 700)):
        cut = tasks.copy()
        cut[:, 1:3] = start, stop
        parts.scan(values, values, cut, 2.0 * columns, 3 * columns)
        copy = CategoryCounts(3)
        copy.load(parts.state())
        parts = copy
    assert {k: v.tobytes() for k, v in parts.state().items()} == {
        k: v.tobytes() for k, v in whole.state().items()
    }
    assert parts.change(1) == whole.change(1)


def test_a_million_categories_take_no_more_bytes() -> None:
    """What a series holds does not grow with the number of its categories."""
    assert fed(np.arange(100_000)).nbytes() == fed(np.zeros(1)).nbytes() <= 1200


@pytest.mark.parametrize(
    ("name", "value"), [("cursor", 200), ("known", 33), ("ring", 33), ("n", 3), ("counts", -1)]
)
def test_a_state_that_does_not_fit_is_refused(name: str, value: int) -> None:
    """A state that would lead the loop out of its arrays is refused, and nothing changes."""
    shares = fed(np.arange(10))
    state = shares.state()
    bad = state[name].copy()
    bad.reshape(-1)[0] = value
    with pytest.raises(StateError, match=name):
        shares.load(state | {name: bad})
    assert shares.level(0).n == 10


@pytest.mark.parametrize("sizes", [{"cap": 0}, {"cap": 256}, {"span": 0}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    """Sizes out of range are refused by name."""
    with pytest.raises(ParameterError, match=next(iter(sizes))):
        CategoryCounts(**sizes)


def test_a_watch_of_categories_tells_shares() -> None:
    """An alarm of categories says how they were shared out, and the series starts anew."""
    rng = np.random.default_rng(3)
    values = np.append(rng.choice(3, 2000), rng.choice(3, 2000, p=[0.8, 0.1, 0.1]))
    watch = SeriesMonitor({"chi2": {}}, size=1)
    assert watch.warming.all()
    [alarm] = watch.scan_all(values[None] + 1e6)
    assert 2000 < alarm.row < 2200
    assert alarm.change.after.shares[1e6] > alarm.change.before.shares[1e6] + 0.3
    assert watch.quiet(np.array([0])) == [4000 - alarm.row - 1]
    assert watch.categories().tolist() == [1e6, 1e6 + 1, 1e6 + 2]
    assert not watch.warming.any()


def test_categories_and_numbers_do_not_mix() -> None:
    """One watch is of categories or of numbers: both together are refused, by name."""
    with pytest.raises(ParameterError, match="chi2 watch categories, and adwin numbers"):
        SeriesMonitor({"chi2": {}, "adwin": {}})
