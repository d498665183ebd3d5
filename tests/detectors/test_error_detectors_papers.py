"""Detectors of errors that River lacks, against their formulas written out plainly."""

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import ECDD, RDDM, STEPD, ECDDBank, RDDMBank, STEPDBank

Verdict = tuple[bool, bool]
"""Alarm, warning."""


def _errors(seed: int, n: int, stay: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    rates = np.repeat(rng.choice([0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9], n // stay), stay)
    return (rng.random(len(rates)) < rates).astype(np.float64)


def _stepd(values: list[float], window: int, drift: float, warning: float) -> Iterator[Verdict]:
    """Nishida and Yamauchi 2007, equation of T and its upper P value, on lists."""
    seen: list[float] = []
    for value in values:
        seen.append(value)
        old, new = seen[:-window], seen[-window:]
        chance = 1.0
        if len(old) >= window:
            sizes = 1 / len(old) + 1 / len(new)
            pooled = sum(seen) / len(seen)
            apart = sum(new) / len(new) - sum(old) / len(old)
            if apart > 0:
                spread = math.sqrt(pooled * (1 - pooled) * sizes)
                chance = 1 - NormalDist().cdf((apart - 0.5 * sizes) / spread)
        alarm = chance < drift
        yield alarm, not alarm and chance < warning
        if alarm:
            seen = []


def _ecdd(values: list[float], share: float, warning: float, least: int) -> Iterator[Verdict]:
    """Ross et al. 2012, algorithm 1, with the limit of their table 1 for a run length of 400."""
    seen: list[float] = []
    for value in values:
        seen.append(value)
        t, p = len(seen), sum(seen) / len(seen)
        z = sum(share * (1 - share) ** (t - 1 - i) * x for i, x in enumerate(seen) if t - i < 500)
        spread = math.sqrt(p * (1 - p) * share / (2 - share) * (1 - (1 - share) ** (2 * t)))
        q = min(p, 0.5)
        limit = 3.97 - 6.56 * q + 48.73 * q**3 - 330.13 * q**5 + 848.18 * q**7
        alarm = t >= least and z > p + limit * spread + 1e-12
        yield alarm, not alarm and t >= least and z > p + warning * limit * spread + 1e-12
        if alarm:
            seen = []


def _rddm(
    values: list[float],
    least: int,
    warning: float,
    drift: float,
    longest: int,
    kept: int,
    patience: int,
) -> Iterator[Verdict]:
    """Barros et al. 2017: a list of all values of the concept, measured anew at every value."""
    concept: list[float] = []
    recent: list[float] = []
    lowest, since, known = (math.inf, 0.0, 0.0), 0, 0
    for value in values:
        concept.append(value)
        recent = [*recent, value][-kept:]
        n, p = len(concept), sum(concept) / len(concept)
        s = math.sqrt(p * (1 - p) / n)
        alarm = warned = False
        if n >= least:
            if p + s < lowest[0] - 1e-13:
                lowest = (p + s, p, s)
            over = p + s > lowest[1] + drift * lowest[2] + 1e-13
            warned = p + s > lowest[1] + warning * lowest[2] + 1e-13
            alarm = over or (warned and since >= patience)
            since = since + 1 if warned else 0
        yield alarm, warned and not alarm
        if alarm:
            recent = recent[-since:] if over and since else recent[-1:]
            concept, lowest, since = list(recent), (math.inf, 0.0, 0.0), 0
            for known in range(least + 1, len(concept) + 1):
                p = sum(concept[:known]) / known
                s = math.sqrt(p * (1 - p) / known)
                if p + s < lowest[0] - 1e-13:
                    lowest = (p + s, p, s)
        elif n >= max(longest, least) and not warned:
            concept, since = list(recent), 0


def _compare(detector: Any, bank: Any, expected: Iterator[Verdict], values: Any) -> tuple[int, int]:
    """Count alarms and warnings, the same value by value in the detector and the formulas."""
    alarms, warnings = [], 0
    for i, (value, verdict) in enumerate(zip(values.tolist(), expected, strict=True)):
        detector.update(value)
        assert (detector.drift_detected, detector.warning_detected) == verdict, i
        alarms += [i] if verdict[0] else []
        warnings += verdict[1]
    assert np.flatnonzero(bank.update(values[None])[0]).tolist() == alarms
    return len(alarms), warnings


@pytest.mark.parametrize(
    ("window", "drift", "warning"), [(30, 0.003, 0.05), (1, 0.4, 0.45), (70, 1e-6, 1e-3)]
)
def test_stepd_is_its_formula(window: int, drift: float, warning: float) -> None:
    """STEPD alarms and warns where the test of equal proportions says so."""
    params = {"window_size": window, "alpha_drift": drift, "alpha_warning": warning}
    values = _errors(1, 6_000, 300)
    counts = _compare(
        STEPD(**params),  # type: ignore[arg-type]
        STEPDBank(1, **params),  # type: ignore[arg-type]
        _stepd(values.tolist(), window, drift, warning),
        values,
    )
    assert min(counts) > 2


@pytest.mark.parametrize(("share", "warning", "least"), [(0.2, 0.5, 30), (0.5, 0.9, 1)])
def test_ecdd_is_its_formula(share: float, warning: float, least: int) -> None:
    """ECDD alarms and warns where the chart of the paper says so."""
    params = {"lambda_val": share, "warning_level": warning, "min_instances": least}
    values = _errors(2, 4_000, 200)
    counts = _compare(
        ECDD(**params),  # type: ignore[arg-type]
        ECDDBank(1, **params),  # type: ignore[arg-type]
        _ecdd(values.tolist(), share, warning, least),
        values,
    )
    assert min(counts) > 1


@pytest.mark.parametrize(
    ("least", "warning", "drift", "longest", "kept", "patience", "stay"),
    [
        (129, 1.773, 2.258, 40_000, 7_000, 1_400, 600),
        (30, 2.0, 3.0, 400, 150, 50, 400),
        (30, 1.0, 4.0, 700, 65, 40, 250),
        (100, 1.773, 2.258, 500, 50, 200, 250),
    ],
)
def test_rddm_is_its_description(
    least: int,
    warning: float,
    drift: float,
    longest: int,
    kept: int,
    patience: int,
    stay: int,
) -> None:
    """RDDM alarms and warns as a plain list of its concept's values does."""
    params = {
        "min_instances": least,
        "warning_level": warning,
        "drift_level": drift,
        "max_concept": longest,
        "min_concept": kept,
        "warning_limit": patience,
    }
    values = _errors(3, 6_000, stay)
    counts = _compare(
        RDDM(**params),  # type: ignore[arg-type]
        RDDMBank(1, **params),  # type: ignore[arg-type]
        _rddm(values.tolist(), least, warning, drift, longest, kept, patience),
        values,
    )
    assert min(counts) > 2
