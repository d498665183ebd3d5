"""Our detectors against River's, value by value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from river import drift

from streamproc.detectors import ADWIN, ADWINBank, PageHinkley, PageHinkleyBank

RIVER_ADWIN: Any = drift.ADWIN  # it ships no types
Stream = Callable[[np.random.Generator, int], NDArray[np.float64]]
Params = dict[str, Any]

ADWIN_PARAMS: tuple[Params, ...] = (
    {},
    {"delta": 0.1, "clock": 1, "max_buckets": 2, "min_window_length": 1, "grace_period": 1},
    {"max_buckets": 9, "delta": 0.3, "clock": 7},
)
PAGE_HINKLEY_PARAMS: tuple[Params, ...] = (
    {},
    {"threshold": 5.0, "alpha": 1.0, "mode": "up"},
    {"threshold": 5.0, "mode": "down", "min_instances": 3, "delta": 0.1},
)


def _steps(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Levels that hold for 500 values each."""
    return np.repeat(rng.normal(0, 3, n // 500 + 1), 500)[:n]


STREAMS: dict[str, Stream] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "jumps": lambda rng, n: _steps(rng, n) + rng.normal(size=n),
    "slope": lambda rng, n: np.linspace(0, 30, n) + rng.normal(size=n),
    "waves": lambda rng, n: np.sin(np.arange(n) / 700) * 2 + rng.normal(size=n),
    "walk": lambda rng, n: rng.normal(0, 0.05, n).cumsum() + rng.normal(size=n),
    "lognormal": lambda rng, n: np.multiply(rng.lognormal(size=n), np.exp(_steps(rng, n) / 3)),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "errors of a model": lambda rng, n: (rng.random(n) < 0.1 + 0.05 * (_steps(rng, n) > 0)).astype(
        float
    ),
    "ties": lambda rng, n: rng.poisson(np.exp(_steps(rng, n) / 3)).astype(np.float64),
    "constants": _steps,
    "small": lambda rng, n: 1e-6 * (_steps(rng, n) + rng.normal(size=n)),
    "far from zero": lambda rng, n: 1e9 + _steps(rng, n) + rng.normal(size=n),
}


def _river(detector: Any, values: list[float]) -> list[int]:
    """List the indices at which River's detector alarms."""
    alarms = []
    for i, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(i)
    return alarms


def _stream(kind: str, length: int) -> NDArray[np.float64]:
    return STREAMS[kind](np.random.default_rng(list(STREAMS).index(kind)), length)


@pytest.mark.parametrize("params", ADWIN_PARAMS)
def test_adwin_is_rivers_after_every_value(params: Params) -> None:
    """After each value, all that ADWIN tells equals what River's tells, to the last bit."""
    values = np.concatenate([_stream(kind, 700) for kind in STREAMS])
    ours: Any = ADWIN(**params)
    theirs = RIVER_ADWIN(**params)
    names = ("drift_detected", "width", "total", "variance", "estimation", "n_detections")
    for value in values:
        ours.update(value)
        theirs.update(value)
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize(
    ("length", "ours", "bank", "theirs", "params"),
    [
        pytest.param(length, *classes, params, marks=marks, id=f"{classes[0].__name__}{i}-{length}")
        for length, marks in ((6_000, ()), (300_000, pytest.mark.nightly))
        for classes, all_params in (
            ((ADWIN, ADWINBank, drift.ADWIN), ADWIN_PARAMS),
            ((PageHinkley, PageHinkleyBank, drift.PageHinkley), PAGE_HINKLEY_PARAMS),
        )
        for i, params in enumerate(all_params[: 1 if length > 6_000 else None])
    ],
)
def test_alarms_are_rivers(
    kind: str, length: int, ours: Any, bank: Any, theirs: Any, params: Params
) -> None:
    """On every kind of stream, one detector and a bank alarm exactly where River's does."""
    values = _stream(kind, length)
    expected = _river(theirs(**params), values.tolist())
    assert _river(ours(**params), values.tolist()) == expected
    assert np.flatnonzero(bank(1, **params).update(values[None])[0]).tolist() == expected


def test_the_streams_alarm() -> None:
    """Most kinds of stream raise alarms, so that equality above is not that of silence."""
    for bank in (ADWINBank, PageHinkleyBank):
        alarms = [bank(1).update(_stream(kind, 6_000)[None]).sum() for kind in STREAMS]
        assert sum(count > 2 for count in alarms) >= 7
