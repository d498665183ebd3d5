"""The measurements behind the table: false incidents, delays, invariance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.evaluation.calibration.distributions import Distribution
from streamproc.detectors.registry import DEFAULT
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.series_monitor import Alarm, SeriesMonitor

PAIR = ("adwin", "page_hinkley")
"""River has these two as well, with other defaults."""
NAMES = (*DEFAULT, "adwin")
BEFORE = 1000
"""Stationary values before the shift, warm-up included."""
AFTER = 1000
"""Values after it."""
CHUNK = 20_000
"""Values a series and scan: 200 series of them are 32 MB."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How a shift was found.

    Attributes
    ----------
    within
        Share of repeats that found it within 150 values.
    median, late
        Median and 99th percentile of the delay, in values; inf where it was
        not found within `AFTER`.
    """

    within: float
    median: float
    late: float


def stretches(
    distribution: Distribution, rng: np.random.Generator, series: int, length: int
) -> Iterator[Floats]:
    """Stationary values, (series, up to CHUNK) at a time."""
    for start in range(0, length, CHUNK):
        yield distribution.before(rng, (series, min(CHUNK, length - start)))


def false_incidents(
    distribution: Distribution, rng: np.random.Generator, series: int, length: int
) -> dict[str, int]:
    """Alarms of each detector alone on stationary series, as the pipeline runs them.

    Returns
    -------
    dict
        Detector → alarms, among series · length values. After each alarm the
        series warms up again, as in production.
    """
    watches = {name: SeriesMonitor({name: {}}, series) for name in NAMES}
    counts = dict.fromkeys(NAMES, 0)
    for values in stretches(distribution, rng, series, length):
        for name, watch in watches.items():
            counts[name] += len(watch.scan_all(values))
    return counts


def false_incidents_raw(
    distribution: Distribution, rng: np.random.Generator, series: int, length: int
) -> dict[str, int]:
    """Alarms of River's own defaults on the raw values, for contrast."""
    banks: dict[str, Bank] = {name: registry.get(name).bank(series) for name in PAIR}
    counts = dict.fromkeys(PAIR, 0)
    for values in stretches(distribution, rng, series, length):
        for name, bank in banks.items():
            counts[name] += int(bank.update(values).sum())
    return counts


def shifted(distribution: Distribution, rng: np.random.Generator, repeats: int) -> Floats:
    """Series whose mean rises by one deviation after `BEFORE` values."""
    before = distribution.before(rng, (repeats, BEFORE))
    return np.hstack([before, distribution.after(rng, (repeats, AFTER))])


def delays(values: Floats, detectors: Mapping[str, Mapping[str, object]]) -> Delays:
    """Values from the shift to the first alarm after it, over all rows of `shifted`."""
    found = np.full(len(values), np.inf)
    for alarm in watch_all(values, detectors):
        if alarm.row >= BEFORE:
            found[alarm.slot] = min(found[alarm.slot], alarm.row - BEFORE + 1)
    ordered = np.sort(found)
    # An observed value, not an interpolated one: between 150 and inf lies nothing.
    rank = int(np.ceil(0.99 * len(ordered))) - 1
    return Delays(float((found <= 150).mean()), float(np.median(found)), float(ordered[rank]))


def watch_all(values: Floats, detectors: Mapping[str, Mapping[str, object]]) -> list[Alarm]:
    """All alarms on whole series, from fresh slots."""
    return SeriesMonitor(detectors, len(values)).scan_all(values)


UNITS = {"times 10⁻⁶": (1e-6, 0.0), "times 10⁶": (1e6, 0.0), "plus 10⁹": (1.0, 1e9)}
"""Changes of unit that must change no alarm: name → (factor, summand)."""


def same_alarms(values: Floats, factor: float, summand: float) -> tuple[int, int]:
    """Alarms on `values`, and how many of them come at the same place in the other unit."""
    one, other = (
        {
            (names, alarm.slot, alarm.row, alarm.detector)
            for names in (DEFAULT, PAIR)
            for alarm in watch_all(series, {name: {} for name in names})
        }
        for series in (values, values * factor + summand)
    )
    return len(one | other), len(one & other)
