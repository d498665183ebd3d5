"""Values that have more decimals than ever before: what was scaled, averaged or filled in."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import SeriesMonitor
from streamproc.detectors.checks import same_state
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.gross import Gross
from streamproc.detectors.series.gross_kernel import DECIMALS

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
ROWS, AT, SERIES = 6000, 4000, 20
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Floats]


def counts(rng: np.random.Generator) -> Floats:
    """Draw counts that follow the hours of the day."""
    level = 60 + 40 * np.sin(2 * np.pi * np.arange(ROWS) / 24)
    return rng.poisson(level, (SERIES, ROWS)).astype(np.float64)


def temperatures(rng: np.random.Generator) -> Floats:
    """Draw values of one decimal that follow those before them."""
    values = rng.normal(size=(SERIES, ROWS))
    for row in range(1, ROWS):
        values[:, row] += 0.95 * values[:, row - 1]
    return np.round(15 + values, 1)


def prices(rng: np.random.Generator) -> Floats:
    """Draw independent values of two decimals, in 32 bits as many files hold them."""
    drawn = np.round(rng.lognormal(3, 1, (SERIES, ROWS)), 2)
    return drawn.astype(np.float32).astype(np.float64)


def rare_halves(rng: np.random.Generator) -> Floats:
    """Draw integers, and halves in 1 % of all."""
    return np.round(rng.normal(50, 9, (SERIES, ROWS))) + 0.5 * (rng.random((SERIES, ROWS)) < 0.01)


def in_digits(values: Floats, digits: int = 3) -> Floats:
    """Write values with a number of digits, so that smaller ones have more decimals."""
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(values)))
    return np.round(values * scale) / scale


def wandering(rng: np.random.Generator) -> Floats:
    """Draw walks through several powers of ten, of three and of five digits."""
    walks = np.exp(np.cumsum(rng.normal(size=(SERIES, ROWS)), axis=1) / 50)
    return np.vstack([in_digits(walks), in_digits(walks, 5)])


def nightly(rng: np.random.Generator) -> Floats:
    """Draw zeros at night and values of two decimals by day."""
    values = np.round(rng.gamma(2, 3, (SERIES, ROWS)), 2)
    return np.where(np.arange(ROWS) // 12 % 2 == 0, 0.0, values)


def alarms_of(values: Floats) -> list[tuple[int, int]]:
    """Return column and row of the findings about decimals."""
    watch = SeriesMonitor(DEFAULT, len(values), follow=True)
    rows = np.arange(values.shape[1])
    ts: Floats = 3600.0 * rows.astype(np.float64)
    alarms = watch.scan(np.ascontiguousarray(values), every_row(values), ts, rows)
    return [(alarm.column, alarm.row) for alarm in alarms if alarm.reason == "decimals"]


@pytest.mark.parametrize("factor", [1.5, 0.75, 1.013])
@pytest.mark.parametrize("draw", [counts, temperatures, prices])
def test_values_of_another_scale_are_found_by_their_decimals(draw: Draw, factor: float) -> None:
    """A factor on values of a few decimals is found within 100 values in each of 20 series."""
    values = draw(np.random.default_rng(1))
    values[:, AT:] *= factor

    found = alarms_of(values)

    assert all(row >= AT for _, row in found)
    assert len({column for column, row in found if row < AT + 100}) == SERIES


@pytest.mark.parametrize("draw", [counts, temperatures, prices, rare_halves, wandering, nightly])
def test_decimals_that_come_and_go_are_no_change(draw: Draw) -> None:
    """Few decimals, rare ones, and those of smaller values or of the day raise no finding."""
    assert alarms_of(draw(np.random.default_rng(2))) == []


def test_the_same_number_of_filled_in_values_is_found_once() -> None:
    """Twenty averages among integers are found once; sixty later are, as they are more."""
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(50, 9, (1, 9000)))
    for start, length in ((3000, 20), (5000, 20), (7000, 60)):
        values[0, start : start + length] = rng.normal(50, 9, length)

    first, second = alarms_of(values)

    assert 3000 <= first[1] < 3020
    assert 7000 <= second[1] < 7060


def test_decimals_are_known_from_any_split_and_after_a_reload() -> None:
    """Cut at any row, saved and loaded there: the same findings, and the same state."""
    values = counts(np.random.default_rng(4))[:2]
    values[:, AT : AT + 300] *= 1.5
    ts: Floats = 3600.0 * np.arange(ROWS).astype(np.float64)

    def finish(watch: Gross, tasks: NDArray[np.int64]) -> list[tuple[int, int]]:
        found = []
        while len(tasks):
            hits = watch.scan(values, tasks, ts)
            hit = hits.row >= 0
            rows, columns = hits.row[hits.code == DECIMALS], tasks[hits.code == DECIMALS, 0]
            found += list(zip(columns.tolist(), rows.tolist(), strict=True))
            tasks = tasks[hit]
            tasks[:, 1] = hits.row[hit] + 1
            tasks = np.ascontiguousarray(tasks[tasks[:, 1] < tasks[:, 2]])
        return found

    uncut = Gross(2)
    expected = finish(uncut, every_row(values))
    assert len(expected) == 2
    for cut in (50, 150, AT + 3, expected[0][1], expected[0][1] + 1, AT + 350):
        first, second = Gross(2), Gross()
        tasks = every_row(values)
        tasks[:, 2] = cut
        before = finish(first, tasks)
        second.load(first.state())
        tasks = every_row(values)
        tasks[:, 1] = cut
        assert sorted(before + finish(second, tasks)) == sorted(expected)
        assert same_state(second.state(), uncut.state())


def test_a_state_without_decimals_loads() -> None:
    """A state of a version that did not look at decimals is continued, and they are learned."""
    values = counts(np.random.default_rng(5))[:1]
    values[:, AT:] *= 1.5
    ts: Floats = np.arange(ROWS).astype(np.float64)
    watch, later = Gross(1), Gross()
    watch.scan(values, np.array([[0, 0, 1000, 0]]), ts)
    added = {"seen", "left", "lower", "decimals", "grid_from", "grid_n"}
    added |= {"finest", "finer", "finer_n", "finer_longest", "finer_sum"}
    later.load({name: array for name, array in watch.state().items() if name not in added})
    later.dependent[:] = True
    hits = later.scan(values, np.array([[0, 1000, ROWS, 0]]), ts)
    assert hits.code.tolist() == [DECIMALS]
