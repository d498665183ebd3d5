from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import Standardiser
from streamproc.detectors.errors import ParameterError, ShapeError, StateError
from streamproc.detectors.runtime.growing_arrays import widen
from streamproc.detectors.runtime.slots import every_row

W = 50


def standardised(values: NDArray[np.float64], warmup: int = W) -> NDArray[np.float64]:
    """Rows of a matrix, each standardised by a slot of its own."""
    values = np.ascontiguousarray(values)
    out = np.empty_like(values)
    Standardiser(len(values), warmup=warmup, clip=4.0).scan(values, every_row(values), out)
    return out


def test_it_is_silent_while_it_learns() -> None:
    """The first W non-missing values give NaN, the next one does not."""
    values = np.random.default_rng(0).normal(size=(1, 2 * W))
    values[0, 3:13] = np.nan
    out = standardised(values)
    assert np.isnan(out[0, : W + 10]).all()
    assert np.isfinite(out[0, W + 10 :]).all()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(size=n),
        lambda rng, n: rng.lognormal(size=n),
        lambda rng, n: rng.standard_t(3, n),
        lambda rng, n: rng.random(n),
        lambda rng, n: rng.poisson(2, n).astype(float),
        lambda rng, n: (rng.random(n) < 0.5).astype(float),
        lambda rng, n: (rng.random(n) < 0.2).astype(float),
    ],
)
def test_every_shape_gets_deviation_one(draw: object) -> None:
    """Whatever the shape of the series, the result has a deviation near 1."""
    values = np.array([draw(np.random.default_rng(i), 5000) for i in range(40)])  # type: ignore[operator]
    deviations = np.nanstd(standardised(values, warmup=200), axis=1)
    assert 0.95 < np.median(deviations) < 1.05
    assert deviations.min() > 0.8
    assert deviations.max() < 1.35


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from([0.0, 5e-324, -5e-324, 1e300, -1e300, 1.7e308, -1.7e308, np.nan]),
        ),
        min_size=10,
        max_size=200,
    )
)
def test_no_finite_value_breaks_it(values: list[float]) -> None:
    """Any finite values, subnormal or huge, give values within the bound, NaN only for NaN."""
    row = np.array([values])
    out = standardised(row, warmup=8)
    learned = np.flatnonzero(~np.isnan(row[0]))[8:]
    assert (np.abs(out[0, learned]) <= 4.0).all()
    rest = np.setdiff1d(np.arange(row.shape[1]), learned)
    assert np.isnan(out[0, rest]).all()


@pytest.mark.parametrize(("factor", "summand"), [(1e-6, 0.0), (1e6, 0.0), (2.0**40, 0.0), (1, 1e9)])
def test_another_unit_is_the_same_series(factor: float, summand: float) -> None:
    """Values of two decimals in another unit give the same result, to the last bit."""
    rng = np.random.default_rng(5)
    values = np.round(rng.lognormal(3, 1, (5, 2000)) * 64) / 64
    assert np.array_equal(
        standardised(values), standardised(values * factor + summand), equal_nan=True
    )


def test_a_constant_warm_up_sees_any_difference() -> None:
    """After a constant, the same value is 0 and any other lies at the bound, on its side."""
    values = np.full((1, W + 4), 3.7)
    values[0, W + 1 :] = [3.7000001, -5.0, np.nan]
    assert standardised(values)[0, W:].tolist()[:3] == [0.0, 4.0, -4.0]
    assert np.isnan(standardised(values)[0, -1])


def test_rare_events_have_a_unit() -> None:
    """With equal quartiles, the plain deviation is the unit."""
    values = np.zeros((1, W + 2))
    values[0, :5] = values[0, -1] = 1.0
    standardiser = Standardiser(1, warmup=W, clip=4.0)
    standardiser.scan(values, every_row(values), out := np.empty_like(values))
    assert standardiser.scale[0] == pytest.approx(np.std(values[0, :W], ddof=1))
    assert out[0, -2:].tolist() == [0.0, pytest.approx(1 / standardiser.scale[0], abs=1e-3)]


def test_loc_and_scale_are_told_when_learned() -> None:
    """Location and scale are NaN while warming, then the median and the spread."""
    values = np.random.default_rng(1).normal(10, 2, (2, W))
    standardiser = Standardiser(2, warmup=W, clip=4.0)
    standardiser.scan(values, np.array([[0, 0, W, 0], [1, 0, W - 1, 1]]), np.empty_like(values))
    assert standardiser.warming.tolist() == [False, True]
    assert standardiser.loc[0] == np.median(values[0])
    assert 1.5 < standardiser.scale[0] < 2.5
    assert np.isnan([standardiser.loc[1], standardiser.scale[1]]).all()
    standardiser.reset(np.array([0]))
    assert standardiser.warming.all()


def test_learned_slots_hold_no_buffer() -> None:
    """Once warmed up, 5,000 series hold less than 100 bytes each."""
    values = np.random.default_rng(2).normal(size=(5000, W + 1))
    standardiser = Standardiser(5000, warmup=W, clip=4.0)
    standardiser.scan(values[:, :W].copy(), every_row(values[:, :W]), np.empty((5000, W)))
    assert standardiser.nbytes() < 100 * 5000


def test_restarts_while_learning_leak_nothing() -> None:
    """Slots reset again and again in mid-warm-up hold no more than at first."""
    values = np.random.default_rng(6).normal(size=(100, W // 2))
    standardiser = Standardiser(100, warmup=W, clip=4.0)
    held = []
    for _ in range(20):
        standardiser.scan(values, every_row(values), np.empty_like(values))
        held.append(standardiser.nbytes())
        standardiser.reset(np.arange(100))
    assert max(held) == held[0]


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 199), max_size=8), resets=st.sets(st.integers(0, 3)))
def test_any_split_and_reload_is_the_same(cuts: list[int], resets: set[int]) -> None:
    """Cut anywhere, saved, loaded and reset in between: same result, same state."""
    values = np.random.default_rng(3).normal(size=(4, 200))
    values[1, ::3] = np.nan
    slots = np.array(sorted(resets), np.int64)
    whole = Standardiser(4, warmup=W, clip=4.0)
    pieces = Standardiser(4, warmup=W, clip=4.0)
    out = np.empty_like(values), np.empty_like(values)
    for low, high in ((0, 100), (100, 200)):
        tasks = every_row(values)
        tasks[:, 1:3] = low, high
        whole.scan(values, tasks, out[0])
        edges = sorted({low, high, *(cut for cut in cuts if low < cut < high)})
        for start, stop in pairwise(edges):
            tasks[:, 1:3] = start, stop
            pieces.scan(values, tasks[::-1].copy(), out[1])
            state = pieces.state()
            pieces = Standardiser(warmup=W, clip=4.0)
            pieces.load(state)
        whole.reset(slots)
        pieces.reset(slots)
    assert np.array_equal(*out, equal_nan=True)
    one, other = whole.state(), pieces.state()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_wrong_arguments_are_named() -> None:
    """Parameters, an output and a state that do not fit are refused by name."""
    with pytest.raises(ParameterError, match="warmup"):
        Standardiser(warmup=1, clip=4.0)
    with pytest.raises(ParameterError, match="clip"):
        Standardiser(warmup=W, clip=0.0)
    standardiser = Standardiser(1, warmup=W, clip=4.0)
    with pytest.raises(ShapeError, match="out"):
        standardiser.scan(np.zeros((1, 3)), np.array([[0, 0, 3, 0]]), np.zeros((1, 2)))
    state = standardiser.state()
    for bad in (
        {},
        state | {"filled": np.array([W], np.int32)},
        state | {"filled": np.array([-1], np.int32)},
        state | {"waiting": np.zeros((1, W))},
        {name: array for name, array in state.items() if name != "scale"},
    ):
        with pytest.raises(StateError, match="Standardiser"):
            standardiser.load(bad)


def test_series_that_come_a_few_at_a_time_are_seldom_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten thousand that begin one after another move the buffers of all some forty times."""
    moves: list[int] = []

    def counting(arrays: dict[str, NDArray[np.float64]], name: str, length: int, used: int) -> None:
        if name == "values":  # beside which two lists of numbers are moved
            moves.append(length)
        widen(arrays, name, length, used)

    monkeypatch.setattr("streamproc.detectors.runtime.chunk_pool.widen", counting)
    standardiser = Standardiser(10_000, warmup=20, clip=4.0)
    values = np.zeros((1, 1))
    for slot in range(10_000):
        standardiser.scan(values, np.array([[0, 0, 1, slot]]), np.empty((1, 1)))
    assert len(moves) < 100
    assert moves[-1] < 1.25 * 10_000
