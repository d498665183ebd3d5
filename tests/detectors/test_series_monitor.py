from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import Alarm, Change, Moments, SeriesMonitor
from streamproc.detectors.checks import same_state
from streamproc.detectors.errors import ParameterError, StateError, UnknownDetectorError
from streamproc.detectors.mean import adwin_kernel
from streamproc.detectors.runtime.slots import every_row

PAIR: dict[str, dict[str, object]] = {"page_hinkley": {}, "adwin": {}}
LENGTH = 3000


def story() -> NDArray[np.float64]:
    """Six series of many kinds that jump at rows 1000 and 2000 and have holes."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(6, LENGTH))
    values[:, 1000:] += 3
    values[:, 2000:] -= 5
    values[1, ::5] = np.nan
    values[2] = np.round(values[2])
    values[3] = values[3] > 2
    values[4] *= 1e300
    values[5, :1500], values[5, 1500:] = 1.0, 2.0
    return np.ascontiguousarray(values)


STORY = story()
TS, OFFSETS = np.linspace(0.0, 1e4, LENGTH), np.arange(LENGTH) + 100


def in_pieces(watch: SeriesMonitor, edges: list[int], values: NDArray[np.float64]) -> list[Alarm]:
    """Scan a story in pieces, each on arrays of its own, as slices of a log come."""
    alarms = []
    for start, stop in pairwise(edges):
        piece = np.ascontiguousarray(values[:, start:stop])
        part = watch.scan(piece, every_row(piece), TS[start:stop], OFFSETS[start:stop])
        alarms += [replace(alarm, row=alarm.row + start) for alarm in part]
    return alarms


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, LENGTH - 1), max_size=30), save=st.integers(0, LENGTH))
def test_any_split_and_reload_is_the_same(cuts: list[int], save: int) -> None:
    """Cut anywhere, saved and loaded once: same alarms, same state, to the last bit."""
    whole, first, second = SeriesMonitor(PAIR, 6), SeriesMonitor(PAIR, 6), SeriesMonitor(PAIR)
    expected = whole.scan(STORY, every_row(STORY), TS, OFFSETS)
    edges = sorted({0, LENGTH, save, *cuts})
    alarms = in_pieces(first, [edge for edge in edges if edge <= save], STORY)
    second.load(first.state())
    alarms += in_pieces(second, [edge for edge in edges if edge >= save], STORY)
    assert alarms == expected
    assert same_state(second.state(), whole.state())


@pytest.mark.parametrize(("used", "size"), [(1, 8), (1, 1), (8, 64), (3, 8)])
@pytest.mark.parametrize("seen", [1, 25, 26, 199, 200, 201])
def test_slots_that_are_in_use_are_saved_without_the_rest(used: int, size: int, seen: int) -> None:
    """Spare slots are not saved, and nothing of the others is lost, however much waits of them."""
    values = np.random.default_rng(seen).normal(size=(used, seen))
    roomy, exact = SeriesMonitor(PAIR, size), SeriesMonitor(PAIR, used)
    roomy.scan_all(values)
    exact.scan_all(values)
    saved = roomy.state(used)
    assert same_state(saved, exact.state())
    again = SeriesMonitor(PAIR)
    again.load(saved)
    assert same_state(again.state(), exact.state())


def test_one_row_at_a_time_is_the_same() -> None:
    """Fed one event at a time, a watch says and holds what it does in one go."""
    values = np.ascontiguousarray(STORY[:, :1200])
    whole, single = SeriesMonitor(PAIR, 6), SeriesMonitor(PAIR, 6)
    expected = whole.scan(values, every_row(values), TS[:1200], OFFSETS[:1200])
    assert in_pieces(single, list(range(1201)), values) == expected
    assert same_state(single.state(), whole.state())


def test_a_change_is_one_alarm_and_is_learned() -> None:
    """A lasting change is told once, with where it began and how it was before and after."""
    values = np.random.default_rng(4).normal(100, 10, (1, 4000))
    values[0, 2000:] += 30
    [alarm] = SeriesMonitor(PAIR, 1).scan(
        values, every_row(values), np.arange(4000.0), np.arange(4000)
    )
    assert 2000 <= alarm.row <= 2050
    assert abs(alarm.change.offset - 2000) <= 3
    assert alarm.statistic > alarm.threshold
    assert (alarm.change.direction, alarm.restarts) == ("up", 0)
    assert alarm.change.before.mean == pytest.approx(100, abs=2)
    assert alarm.change.after.mean == pytest.approx(130, abs=8)
    assert alarm.change.before.n + alarm.change.after.n == alarm.row + 1


def test_after_an_alarm_the_slot_starts_anew() -> None:
    """After an alarm the series warms up anew and its values are counted from there."""
    watch = SeriesMonitor(PAIR, 6)
    alarms = watch.scan(STORY, every_row(STORY), TS, OFFSETS)
    last = {alarm.slot: alarm for alarm in alarms}
    seen = [int((~np.isnan(STORY[slot, last[slot].row + 1 :])).sum()) for slot in sorted(last)]
    assert watch.quiet(np.array(sorted(last))).tolist() == seen
    for slot, alarm in last.items():
        assert alarm.restarts == sum(other.slot == slot for other in alarms) - 1
    fresh = SeriesMonitor(PAIR, 1)
    rest = np.ascontiguousarray(STORY[:1, last[0].row + 1 :])
    fresh.scan_all(rest)
    assert watch.state()["standardiser.loc"][0] == fresh.state()["standardiser.loc"][0]


def test_alarms_come_in_order() -> None:
    """Alarms are sorted by row, then column."""
    values = np.repeat(STORY[:1], 3, axis=0)
    alarms = SeriesMonitor(PAIR, 3).scan(values, every_row(values)[::-1].copy(), TS, OFFSETS)
    assert len(alarms) >= 6
    places = [(alarm.row, alarm.column) for alarm in alarms]
    assert places == sorted(places)


def test_detectors_that_agree_make_one_alarm() -> None:
    """Two detectors at one row make one alarm: the first in order, with the other's name."""
    step = np.repeat([[0.0, 1.0]], 1000, axis=1)
    [alone] = SeriesMonitor({"adwin": {}}, 1).scan_all(step)
    # Held back until the very value at which ADWIN alarms, the 200 of the warm-up aside.
    held: dict[str, object] = {"threshold": 0.0, "min_instances": alone.row + 1 - 200}
    given: dict[str, dict[str, object]] = {"adwin": {}, "page_hinkley": held}
    for names in (("adwin", "page_hinkley"), ("page_hinkley", "adwin")):
        [alarm] = SeriesMonitor({name: given[name] for name in names}, 1).scan_all(step)
        assert (alarm.row, alarm.detector, alarm.others) == (alone.row, names[0], names[1:])


def test_series_do_not_touch_each_other() -> None:
    """Each series alarms as if it were alone."""
    together = SeriesMonitor(PAIR, 6).scan(STORY, every_row(STORY), TS, OFFSETS)
    for slot in range(6):
        row = STORY[slot : slot + 1]
        alone = SeriesMonitor(PAIR, 1).scan(row, every_row(row), TS, OFFSETS)
        assert [(a.row, a.change) for a in alone] == [
            (a.row, a.change) for a in together if a.slot == slot
        ]


def test_views_of_a_log_will_do() -> None:
    """Read-only and strided arrays give the same alarms, with no loop compiled for them."""
    log = STORY.T.copy()
    log.flags.writeable = TS.flags.writeable = OFFSETS.flags.writeable = False
    compiled = adwin_kernel.scan.signatures  # type: ignore[attr-defined]
    before = list(compiled)
    alarms = SeriesMonitor(PAIR, 6).scan(log.T, every_row(STORY), TS, OFFSETS)
    TS.flags.writeable = OFFSETS.flags.writeable = True
    assert alarms == SeriesMonitor(PAIR, 6).scan(STORY, every_row(STORY), TS, OFFSETS)
    assert list(adwin_kernel.scan.signatures) == before != []  # type: ignore[attr-defined]


def test_warming_slots_are_known() -> None:
    """A slot is warming until its 200th value, whatever was missing."""
    watch = SeriesMonitor(PAIR, 2)
    values = np.zeros((2, 200))
    values[1, 7] = np.nan
    watch.scan_all(values)
    assert watch.warming.tolist() == [False, True]
    assert watch.quiet(np.arange(2)).tolist() == [200, 199]


def test_growing_and_resetting_leave_the_others_alone() -> None:
    """New and reset slots are blank; the rest goes on."""
    grown, plain = SeriesMonitor(PAIR), SeriesMonitor(PAIR, 6)
    for size in (2, 3, 6):
        grown.resize(size)
    assert same_state(grown.state(), plain.state())
    plain.scan(STORY, every_row(STORY), TS, OFFSETS)
    plain.reset(np.array([1, 4]))
    state, blank = plain.state(), SeriesMonitor(PAIR, 6).state()
    for name in ("changes.n", "restarts", "standardiser.scale", "detector:adwin.width"):
        assert np.array_equal(state[name][[1, 4]], blank[name][[1, 4]], equal_nan=True)
    assert state["restarts"][0] > 0


def test_a_wrong_state_changes_nothing() -> None:
    """A state that does not fit is refused by name, and the watch is as it was."""
    watch = SeriesMonitor(PAIR, 6)
    watch.scan(STORY, every_row(STORY), TS, OFFSETS)
    state = watch.state()
    for name in state:
        rest = {other: array for other, array in state.items() if other != name}
        for bad in (
            rest,
            state | {name: state[name][..., None]},
            state | {f"x.{name}": state[name]},
        ):
            with pytest.raises(StateError, match=name.rpartition(".")[2]):
                watch.load(bad)
            assert same_state(watch.state(), state)


def test_wrong_detectors_are_named() -> None:
    """No detector, an unknown one and an unknown parameter are refused by name."""
    with pytest.raises(ParameterError, match="at least one of adwin, page_hinkley"):
        SeriesMonitor({})
    with pytest.raises(UnknownDetectorError, match=r"adwim.*adwin, page_hinkley"):
        SeriesMonitor({"adwim": {}})
    with pytest.raises(ParameterError, match=r"adwin\.detla.*delta, clock"):
        SeriesMonitor({"adwin": {"detla": 1}})


def test_memory_is_bounded() -> None:
    """After 100,000 quiet values a series holds less than 2.5 kB, all included."""
    watch = SeriesMonitor(PAIR, 300)
    watch.scan_all(np.full((300, 200), 1.0))
    for _ in range(5):
        watch.scan_all(np.full((300, 20_000), 1.0))
    assert watch.nbytes() < 2_500 * 300


def test_alarms_are_plain_values() -> None:
    """An alarm is made of Python's own types, so that any writer can write it."""
    for alarm in SeriesMonitor(PAIR, 6).scan(STORY, every_row(STORY), TS, OFFSETS):
        for moments in (alarm.change.before, alarm.change.after):
            assert [type(x) for x in (moments.n, moments.mean, moments.std)] == [int, float, float]
        assert isinstance(alarm.change, Change)
        assert isinstance(alarm.change.before, Moments)
        assert [type(x) for x in (alarm.row, alarm.slot, alarm.change.offset)] == [int, int, int]
        assert [type(x) for x in (alarm.statistic, alarm.threshold)] == [float, float]
