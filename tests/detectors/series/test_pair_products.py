"""How several numbers vary together, as one number a row."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detectors import SeriesMonitor
from streamproc.detectors.errors import ParameterError, ShapeError, StateError
from streamproc.detectors.series.decorrelate_kernel import shrunk_root
from streamproc.detectors.series.pair_products import LEARNING, PairProducts

ROWS = 1200
DETECTORS: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}


def correlated(
    rng: np.random.Generator, features: int, rows: int, correlation: float
) -> np.ndarray:
    """Draw normal features, the first two of which are correlated."""
    values = rng.normal(size=(features, rows))
    values[1] = correlation * values[0] + np.sqrt(1 - correlation**2) * values[1]
    return values


def alarms(values: np.ndarray) -> list[int]:
    """Return the rows at which the defaults alarm on the distances of some features."""
    distance = PairProducts(len(values), 1).scan_all(values)[:1]
    watch = SeriesMonitor(DETECTORS, 1, follow=True)
    return [alarm.row for alarm in watch.scan_all(distance) if not alarm.expected]


def eventful() -> np.ndarray:
    """Draw features of which some are rare, missing, constant, or end."""
    rng = np.random.default_rng(4)
    values = correlated(rng, 5, ROWS, 0.5)
    values[2, rng.random(ROWS) < 0.4] = np.nan
    values[3] = 7.0
    values[4, 900:] = np.nan
    values[:, 1000:1020] = np.nan
    return values


VALUES = eventful()


def run(bank: PairProducts, start: int, stop: int) -> np.ndarray:
    """Feed some rows to slot 1; the fourth feature is none of the columns from row 1,100 on."""
    out = np.empty((4, ROWS))
    columns = np.array([[0, 1, 2, 3, 4]])
    for begin, end in ((start, min(stop, 1100)), (max(start, 1100), stop)):
        if begin < end:
            bank.scan(VALUES, columns, np.array([[begin, end, 1]]), out)
        columns = np.array([[0, 1, 2, -1, 4]])
    return out[:, start:stop]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=20))
def test_any_split_and_any_save_is_the_same(cuts: list[int]) -> None:
    """However rows are cut, and saved and loaded between, numbers and state are the same."""
    at_once, parts = PairProducts(5, 2), PairProducts(5, 2)
    expected, edges, found = run(at_once, 0, ROWS), sorted({0, *cuts, ROWS}), []
    for start, stop in itertools.pairwise(edges):
        copy = PairProducts(5)
        copy.load(parts.state())
        parts = copy
        found.append(run(parts, start, stop))
    assert np.hstack(found).tobytes() == expected.tobytes()
    assert {k: v.tobytes() for k, v in parts.state().items()} == {
        k: v.tobytes() for k, v in at_once.state().items()
    }
    assert np.isfinite(expected[0, LEARNING:1000]).all()


@pytest.mark.parametrize(
    ("features", "before", "after", "within"),
    [(2, 0.9, -0.9, 40), (2, 0.0, 0.8, 150), (12, 0.9, -0.9, 40), (12, 0.0, 0.8, 300)],
)
@pytest.mark.parametrize("seed", range(4))
def test_a_correlation_that_breaks_is_found(
    features: int, before: float, after: float, within: int, seed: int
) -> None:
    """What no feature shows alone is found within some hundred rows, and nothing before."""
    rng = np.random.default_rng(seed)
    parts = [correlated(rng, features, 2500, before), correlated(rng, features, 1000, after)]
    values = np.concatenate(parts, axis=1)

    first = alarms(values)[0]

    assert 2500 <= first < 2500 + within
    alone = SeriesMonitor(DETECTORS, features, follow=True).scan_all(values)
    assert not alone
    outputs = PairProducts(features, 1).scan_all(values)[:, 2580:]
    rows = outputs.T[outputs[0] > 0]
    found = [PairProducts(features).pair_of(row) for row in rows]
    assert {(each.one, each.other) for each in found if each} == {(0, 1)}
    means = [np.mean([each[side] for each in found if each]) for side in (2, 3)]
    assert means == pytest.approx([before, after], abs=0.15)


def common_factor(rng: np.random.Generator, features: int, rows: int) -> np.ndarray:
    """Draw normal features that are all correlated with each other."""
    factor = rng.normal(size=rows)
    found: np.ndarray = 0.8 * factor + 0.6 * rng.normal(size=(features, rows))
    return found


SHAPES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "normal": lambda rng, features, rows: rng.normal(size=(features, rows)),
    "lognormal": lambda rng, features, rows: rng.lognormal(size=(features, rows)),
    "t(3)": lambda rng, features, rows: rng.standard_t(3, size=(features, rows)),
    "correlated": common_factor,
    "common scale": lambda rng, features, rows: (
        common_factor(rng, features, rows) / np.sqrt(rng.chisquare(3, size=rows))
    ),
    "rare": lambda rng, features, rows: (rng.random((features, rows)) < 0.02).astype(float),
    "binary": lambda rng, features, rows: (common_factor(rng, features, rows) > 0.5) * 1.0,
    "missing": lambda rng, features, rows: np.where(
        rng.random((features, rows)) < 0.3, np.nan, common_factor(rng, features, rows)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_features_that_do_not_change_raise_no_alarm(shape: str) -> None:
    """In 20,000 rows of twelve features of any shape nothing alarms."""
    values = SHAPES[shape](np.random.default_rng(12), 12, 20_000)

    assert alarms(np.ascontiguousarray(values)) == []


def test_one_feature_that_changes_raises_no_alarm() -> None:
    """Another level and spread of one independent feature is reported of that feature alone."""
    values = np.random.default_rng(3).normal(size=(6, 5000))
    values[2, 3000:] = 5 + 3 * values[2, 3000:]

    assert alarms(values) == []


def test_features_that_go_missing_raise_no_alarm() -> None:
    """A feature that is missing from now on is left out of the comparison."""
    values = np.random.default_rng(3).normal(size=(6, 5000))
    values[2, 3000:] = np.nan
    values[4, 3000::2] = np.nan

    assert alarms(values) == []


def test_a_feature_that_stood_still_while_the_reference_was_learned_is_left_out() -> None:
    """That it moves again hides nothing that happens to the others, and raises no alarm."""
    values = correlated(np.random.default_rng(3), 6, 5000, 0.9)
    values[2, 200:3000] = 100.0
    values[1, 4000:] *= -1

    assert 4000 <= alarms(values)[0] < 4040


def test_features_without_enough_values_are_left_out() -> None:
    """A feature with few values in the first rows does not keep the others from being watched."""
    values = correlated(np.random.default_rng(5), 3, 3000, 0.9)
    values[2, 20:] = np.nan
    values[1, 2000:] *= -1

    assert 2000 <= alarms(values)[0] < 2040


def test_rows_without_two_values_have_no_number() -> None:
    """Rows with one number have no distance, and nothing is learned from them."""
    values = np.random.default_rng(5).normal(size=(2, 2000))
    values[1, 1:] = np.nan

    assert np.isnan(PairProducts(2, 1).scan_all(values)).all()


def test_correlations_of_no_distribution_are_drawn_in() -> None:
    """Correlations of different rows may contradict each other; less of them is kept then."""
    odd = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]])

    root = shrunk_root(odd, 0.99)

    assert np.isfinite(root).all()
    assert (np.linalg.eigvalsh(root) > 0).all()


def test_a_reset_slot_is_as_good_as_new() -> None:
    """What a slot has learned is gone after a reset."""
    bank, new = PairProducts(5, 2), PairProducts(5, 2)
    expected = run(bank, 0, ROWS)
    bank.reset(np.array([1]))

    assert {k: v.tobytes() for k, v in bank.state().items()} == {
        k: v.tobytes() for k, v in new.state().items()
    }
    assert run(bank, 0, ROWS).tobytes() == expected.tobytes()


@pytest.mark.parametrize("features", [1, 65])
def test_too_few_and_too_many_features_are_refused(features: int) -> None:
    """The number of features is 2 to 64."""
    with pytest.raises(ParameterError, match="2 to 64"):
        PairProducts(features)


@pytest.mark.parametrize(
    ("columns", "tasks"),
    [
        (np.array([[0, 1, 2, 3, 5]]), np.array([[0, 9, 0]])),
        (np.array([[0, 1, 2, 3, -2]]), np.array([[0, 9, 0]])),
        (np.array([[0, 1]]), np.array([[0, 9, 0]])),
        (np.array([[0, 1, 2, 3, 4]]), np.array([[0, 9, 1]])),
        (np.array([[0, 1, 2, 3, 4]]), np.array([[0, ROWS + 1, 0]])),
    ],
)
def test_what_would_be_read_out_of_bounds_is_refused(
    columns: np.ndarray, tasks: np.ndarray
) -> None:
    """Columns, rows and slots that do not exist are refused before anything is read."""
    with pytest.raises(ShapeError):
        PairProducts(5, 1).scan(VALUES, columns, tasks, np.empty((4, ROWS)))


@pytest.mark.parametrize("name", ["n", "seen", "pairs", "units.loc"])
def test_a_state_that_does_not_fit_is_refused(name: str) -> None:
    """A state without one of its parts, or with one of another length, is refused."""
    state = PairProducts(5, 2).state()
    with pytest.raises(StateError):
        PairProducts(5).load({key: array for key, array in state.items() if key != name})
    with pytest.raises(StateError):
        PairProducts(5).load(state | {name: state[name][:1]})
