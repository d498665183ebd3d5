from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detectors import SeriesMonitor, Whitener
from streamproc.detectors.checks import same_state
from streamproc.detectors.errors import ParameterError, ShapeError, StateError
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.whiten import LEARN

CLIP = 4.0


def autoregressive(rng: np.random.Generator, series: int, length: int, weight: float) -> Floats:
    """AR(1) of deviation 1, (series, length)."""
    news = rng.normal(size=(series, length)) * np.sqrt(1.0 - weight * weight)
    values = np.empty((series, length))
    values[:, 0] = rng.normal(size=series)
    for t in range(1, length):
        values[:, t] = weight * values[:, t - 1] + news[:, t]
    return values


def whitened(values: Floats, whitener: Whitener | None = None) -> Floats:
    """Feed whole rows."""
    whitener = whitener or Whitener(len(values), clip=CLIP)
    out = np.empty_like(values)
    whitener.scan(values, every_row(values), out)
    return out


def follows(values: Floats) -> float:
    """Correlation of each value with the one before it."""
    return float(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1])


@pytest.mark.parametrize("weight", [-0.5, 0.5, 0.9])
def test_residuals_no_longer_follow_from_each_other(weight: float) -> None:
    """Of an AR(1) remain values of deviation 1 that do not depend on the one before."""
    values = autoregressive(np.random.default_rng(1), 50, 3000, weight)
    out = whitened(values)[:, LEARN:]
    assert abs(follows(out)) < 0.05 < abs(follows(values))
    assert out.std() == pytest.approx(1.0, abs=0.05)


def test_a_wave_is_foreseen() -> None:
    """Of a daily wave in hourly values, as large as their chance, a tenth is left."""
    rng = np.random.default_rng(2)
    wave = np.sqrt(2.0) * np.sin(
        2 * np.pi * (np.arange(6000) + rng.integers(24, size=(20, 1))) / 24
    )
    out = whitened(wave + rng.normal(size=wave.shape))[:, LEARN:]
    left = [np.abs((row * np.exp(2j * np.pi * np.arange(out.shape[1]) / 24)).mean()) for row in out]
    assert np.mean(left) < 0.5 * np.sqrt(2.0) / 2.0


def test_independent_values_stay_as_they_are() -> None:
    """Where nothing follows from anything, most series get no filter, and shifts come through."""
    values = np.random.default_rng(3).normal(size=(100, 1000))
    whitener = Whitener(100, clip=CLIP)
    values[:, 600:] += 1.0
    out = whitened(values, whitener)
    assert (whitener.order == 0).mean() > 0.9
    assert out[:, 600:].mean() == pytest.approx(1.0, abs=0.1)


def test_it_is_silent_while_it_learns() -> None:
    """Missing values are skipped; the first result comes after as many others as it learns from."""
    values = np.random.default_rng(4).normal(size=(1, 500))
    values[0, 10:20] = np.nan
    whitener = Whitener(1, clip=CLIP)
    out = whitened(np.ascontiguousarray(values[:, : LEARN + 9]), whitener)
    assert np.isnan(out).all()
    assert whitener.warming.all()
    assert np.isfinite(
        whitened(np.ascontiguousarray(values[:, LEARN + 9 :]), whitener)[0, 1:]
    ).all()
    assert not whitener.warming.any()


@pytest.mark.parametrize("value", [0.0, 3.0, -4.0])
def test_a_constant_series_gives_no_chance_to_chance(value: float) -> None:
    """After a constant only its own value is foreseen; another one is as far off as can be."""
    values = np.full((1, LEARN + 4), value)
    values[0, -1] += 1.0
    assert whitened(values)[0, LEARN:].tolist() == [0.0, 0.0, 0.0, CLIP]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 1199), max_size=10), save=st.integers(0, 1200))
def test_any_split_and_reload_is_the_same(cuts: list[int], save: int) -> None:
    """Cut anywhere, saved and loaded once: the same alarms and state, to the last bit."""
    detectors: dict[str, dict[str, object]] = {"page_hinkley": {"arl": 1000}}
    values = autoregressive(np.random.default_rng(5), 4, 1200, 0.8)
    values[:, 800:] += 6.0
    values[1, ::7] = np.nan
    ts, offsets = np.arange(1200.0), np.arange(1200)
    whole, pieces = (SeriesMonitor(detectors, 4, whiten=True) for _ in range(2))
    expected = whole.scan(values, every_row(values), ts, offsets)
    assert expected
    alarms = []
    for start, stop in pairwise(sorted({0, 1200, save, *cuts})):
        if start == save:
            kept, pieces = pieces.state(), SeriesMonitor(detectors, whiten=True)
            pieces.load(kept)
        piece = np.ascontiguousarray(values[:, start:stop])
        alarms += pieces.scan(piece, every_row(piece), ts[start:stop], offsets[start:stop])
    assert [(a.slot, a.change, a.statistic) for a in alarms] == [
        (a.slot, a.change, a.statistic) for a in expected
    ]
    assert same_state(pieces.state(), whole.state())


def test_false_alarms_of_a_dependent_series_become_rare() -> None:
    """AR(1) with .9 breaks a promise of 10,000 values manyfold; whitened, it is kept."""
    values = autoregressive(np.random.default_rng(6), 20, 20_000, 0.9)
    plain, white = (
        len(SeriesMonitor({"page_hinkley": {"arl": 1e4}}, 20, whiten=on).scan_all(values))
        for on in (False, True)
    )
    assert plain > 10 * values.size / 1e4
    assert white < values.size / 1e4


def test_a_change_of_a_dependent_series_is_found() -> None:
    """A lasting shift of an AR(1) with .5 by two deviations alarms soon, and is located."""
    values = autoregressive(np.random.default_rng(7), 20, 2000, 0.5)
    values[:, 1500:] += 2.0
    alarms = SeriesMonitor({"adwin": {}}, 20, whiten=True).scan_all(values)
    assert len(alarms) == 20
    assert all(1500 <= alarm.row < 1600 for alarm in alarms)
    assert np.median([abs(alarm.change.offset - 1500) for alarm in alarms]) <= 5


def test_a_watch_warms_up_until_its_memory_is_learned() -> None:
    """A whitened series counts as warming for 500 values."""
    watch = SeriesMonitor({"adwin": {}}, 1, whiten=True)
    values = np.random.default_rng(8).normal(size=(1, 499))
    watch.scan_all(values)
    assert watch.warming.all()
    watch.scan_all(values[:, :1])
    assert not watch.warming.any()


def test_what_cannot_be_is_refused() -> None:
    """Wrong parameters, arrays, states, and detectors of errors are refused by name."""
    with pytest.raises(ParameterError, match="learn: expected 100 or more, got 50"):
        Whitener(learn=50, clip=CLIP)
    with pytest.raises(ParameterError, match="clip: above 0"):
        Whitener(clip=0.0)
    with pytest.raises(ParameterError, match="ddm: reads errors or"):
        SeriesMonitor({"ddm": {}}, whiten=True)
    whitener, values = Whitener(1, clip=CLIP), np.zeros((1, 3))
    with pytest.raises(ShapeError, match="out: expected"):
        whitener.scan(values, every_row(values), np.zeros((1, 4)))
    with pytest.raises(StateError, match="'cursor' is not within 0 … 31"):
        whitener.load(whitener.state() | {"cursor": np.array([32], np.int32)})
    assert whitener.nbytes() == 816
