"""CUSUM, EWMA, GMA and Shiryaev-Roberts against their definitions and their theory."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import (
    CUSUM,
    EWMA,
    GMA,
    CUSUMBank,
    Detector,
    EWMABank,
    GMABank,
    ShiryaevRoberts,
    ShiryaevRobertsBank,
)
from streamproc.detectors.bank import Bank
from streamproc.detectors.runtime.slots import every_row

Values = NDArray[np.float64]


def _changing(seed: int) -> Values:
    rng = np.random.default_rng(seed)
    return 5.0 + 2.0 * rng.normal(np.repeat([0.0, 1.0, -0.5, -1.5], 400), 1.0)


def _residuals(values: Values, learn: str, warmup: int) -> Values:
    """Each value by the mean, and deviation, of all before it; NaN while only learning."""
    if learn == "none":
        return values
    result = np.full(len(values), np.nan)
    for n in range(warmup, len(values)):
        unit = values[:n].std(ddof=1) if learn == "both" else 1.0
        result[n] = (values[n] - values[:n].mean()) / unit * math.sqrt(n / (n + 1))
    return result


def _alarms(detector: Detector, values: Values) -> list[int]:
    found = []
    for i, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            found.append(i)
    return found


def _by_definition(
    values: Values, learn: str, warmup: int, first: Callable[[Values], int]
) -> list[int]:
    """Alarms of a chart that starts afresh after each: `first` finds the first, or -1."""
    start, found = 0, []
    while start < len(values):
        alarm = first(_residuals(values[start:], learn, warmup))
        if alarm < 0:
            break
        found.append(start + alarm)
        start += alarm + 1
    return found


def _cusum(k: float, h: float, mode: str) -> Callable[[Values], int]:
    def first(z: Values) -> int:
        rise = fall = 0.0
        for i, x in enumerate(np.nan_to_num(z)):
            rise, fall = max(0.0, rise + x - k), max(0.0, fall - x - k)
            if (mode != "down" and rise > h) or (mode != "up" and fall > h):
                return i
        return -1

    return first


def _ewma(weight: float, width: float, limits: str) -> Callable[[Values], int]:
    def first(z: Values) -> int:
        chart, t = 0.0, 0
        for i, x in enumerate(z):
            if math.isnan(x):
                continue
            t += 1
            chart = (1 - weight) * chart + weight * x
            variance = weight / (2 - weight)
            if limits == "exact":
                variance *= 1 - (1 - weight) ** (2 * t)
            if abs(chart) > width * math.sqrt(variance):
                return i
        return -1

    return first


def _shiryaev_roberts(threshold: float, shift: float) -> Callable[[Values], int]:
    def first(z: Values) -> int:
        logs: Values = np.zeros((0, 2))
        for i, x in enumerate(z):
            if math.isnan(x):
                continue
            ratios = np.array([shift * x - shift**2 / 2, -shift * x - shift**2 / 2])
            logs = np.vstack([logs, np.zeros((1, 2))]) + ratios  # one row a place of the change
            if np.exp(logs).sum() / 2 > threshold:
                return i
        return -1

    return first


@pytest.mark.parametrize("learn", ["both", "mean", "none"])
@pytest.mark.parametrize("mode", ["both", "up", "down"])
def test_cusum_is_its_definition(mode: str, learn: str) -> None:
    """CUSUM alarms where the sums of standardised deviations, by definition, pass h."""
    values = _changing(1) - 5.0
    expected = _by_definition(values, learn, 40, _cusum(0.4, 9.0, mode))
    assert expected
    assert _alarms(CUSUM(0.4, 9.0, mode, learn, 40), values) == expected


@pytest.mark.parametrize("learn", ["both", "mean", "none"])
@pytest.mark.parametrize("limits", ["exact", "asymptotic"])
def test_ewma_is_its_definition(limits: str, learn: str) -> None:
    """EWMA alarms where Roberts's chart, with the variance asked for, leaves its limits."""
    values = _changing(2)
    expected = _by_definition(values, learn, 25, _ewma(0.05, 4.0, limits))
    assert len(expected) > 2
    assert _alarms(EWMA(0.05, 4.0, limits, "both", learn, 25), values) == expected


@pytest.mark.parametrize("learn", ["both", "mean"])
def test_shiryaev_roberts_is_its_definition(learn: str) -> None:
    """The recursion equals the sum of likelihood ratios over all places of the change."""
    values = _changing(3)
    expected = _by_definition(values, learn, 30, _shiryaev_roberts(1e5, 0.7))
    assert len(expected) > 2
    assert _alarms(ShiryaevRoberts(1e5, 0.7, "both", learn, 30), values) == expected


def test_gma_is_its_definition() -> None:
    """GMA alarms where the forgetting mean of deviations from the running mean passes."""
    values = _changing(4)
    average = n = mean = 0.0
    expected = []
    for i, value in enumerate(values):
        n += 1
        mean += (value - mean) / n
        average = 0.97 * average + 0.03 * (value - mean)
        if n >= 20 and abs(average) > 1.2:
            expected.append(i)
            average = n = mean = 0.0
    assert len(expected) > 2
    assert _alarms(GMA(20, 1.2, 0.97), values) == expected


ONE_SIDED: dict[str, tuple[type[Bank], dict[str, Any]]] = {
    "cusum": (CUSUMBank, {}),
    "ewma": (EWMABank, {}),
    "gma": (GMABank, {"threshold": 0.5}),
    "shiryaev_roberts": (ShiryaevRobertsBank, {}),
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_one_sided_charts_hear_one_side(name: str) -> None:
    """`up` hears a rise and not a fall, `down` the reverse, and they are mirror images."""
    bank, params = ONE_SIDED[name]
    rng = np.random.default_rng(5)
    rise = np.array([[-1.0, 1.0]]).repeat(300, axis=1) + 0.1 * rng.normal(size=(1, 600))
    ups = [bank(1, mode="up", **params).update(s * rise) for s in (1, -1)]
    downs = [bank(1, mode="down", **params).update(s * rise) for s in (1, -1)]
    assert ups[0][0, 300:].any()
    assert not ups[1][0, 300:].any()
    assert (ups[0] == downs[1]).all()
    assert (ups[1] == downs[0]).all()


@pytest.mark.parametrize("name", ["cusum", "ewma", "shiryaev_roberts"])
def test_learned_charts_know_no_unit(name: str) -> None:
    """With mean and deviation learned, another unit of the values changes no alarm."""
    bank, params = ONE_SIDED[name]
    values = _changing(6)[None]
    for factor, plus in ((2.0**-40, 0.0), (2.0**40, 0.0), (1e-9, 3.0), (1.0, 1e6)):
        alarms = bank(1, **params).update(values * factor + plus)
        assert alarms.any()
        assert (alarms == bank(1, **params).update(values)).all()


@pytest.mark.parametrize("name", ["cusum", "ewma", "shiryaev_roberts"])
def test_a_constant_series_is_no_blindfold(name: str) -> None:
    """After any number of equal values, a new level is heard at its second value."""
    bank, params = ONE_SIDED[name]
    values = np.repeat([[3.0, 3.0 + 1e-9]], 500, axis=1)
    assert np.flatnonzero(bank(1, **params).update(values))[0] <= 502


def _run_lengths(bank: Bank, seed: int, rows: int) -> tuple[float, int]:
    """Mean run length of slots on N(0, 1), censored runs counted as time, and its alarms."""
    values = np.random.default_rng(seed).normal(size=(bank.size, rows))
    alarms = int(bank.update(values).sum())
    return values.size / alarms, alarms


def test_cusum_runs_as_long_as_siegmund_says() -> None:
    """With a known mean, run lengths are within 6 % of Siegmund's formula."""
    k, h = 0.5, 4.0
    b = h + 1.166
    theory = (math.exp(2 * k * b) - 2 * k * b - 1) / (2 * k * k)
    for mode, expected in (("up", theory), ("both", theory / 2)):
        length, alarms = _run_lengths(CUSUMBank(50, k=k, h=h, mode=mode, learn="none"), 7, 40_000)
        assert alarms > 5000
        assert length == pytest.approx(expected, rel=0.06)


def test_shiryaev_roberts_keeps_its_promise() -> None:
    """Mean run lengths are at least the threshold, with a known mean and with a learned one."""
    for learn in ("none", "mean"):
        for mode in ("both", "up"):
            bank = ShiryaevRobertsBank(50, threshold=500, mode=mode, learn=learn)
            length, alarms = _run_lengths(bank, 8, 40_000)
            assert length > 500 * (1 + 3 / math.sqrt(alarms))


def test_a_huge_value_overflows_nothing() -> None:
    """A sum of ratios survives any value: it alarms, and goes on afterwards."""
    bank = ShiryaevRobertsBank(1, threshold=1e15, learn="none")
    for value in (1e308, -1e308, 1e300):
        hits = bank.scan(np.full((1, 5), value), every_row(np.zeros((1, 5))))
        assert hits.row[0] >= 0
        assert math.isfinite(hits.statistic[0])
