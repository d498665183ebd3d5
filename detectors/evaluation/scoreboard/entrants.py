"""Who takes part: our detectors, River's, and baselines that always print."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors import registry
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.standardise import Standardiser
from streamproc.detectors.series_monitor import CLIP, WARMUP
from streamproc.detectors.spec import Entry

Bools = NDArray[np.bool_]
Alarms = Callable[[Floats], Bools]
"""(series, time) raw values → where each series alarms."""

RIVERS: dict[str, tuple[str, str]] = {
    "adwin": ("river.drift", "ADWIN"),
    "kswin": ("river.drift", "KSWIN"),
    "page_hinkley": ("river.drift", "PageHinkley"),
    "ddm": ("river.drift.binary", "DDM"),
    "eddm": ("river.drift.binary", "EDDM"),
    "fhddm": ("river.drift.binary", "FHDDM"),
    "hddm_a": ("river.drift.binary", "HDDMA"),
    "hddm_w": ("river.drift.binary", "HDDMW"),
}
"""Our name → where River has the same algorithm."""
ERRORS = ("ddm", "eddm", "fhddm", "hddm_a", "hddm_w")
"""River's detectors that take errors only."""

RAW = ("error", "category")
"""Families that read values as they come: 0 and 1 are errors, or codes of two classes."""

RIGHT = ("fhddm",)
"""River's detectors that count right answers, whatever its documentation calls them."""


FEWER = 10
"""A slow contestant is measured on one trial of this number."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """One line of a table.

    Attributes
    ----------
    label
        As printed.
    alarms
        Raw values → alarms, through the `Standardiser` where its kind needs it.
    family
        Of the detector, see `streamproc.detectors.spec`.
    slow
        Whether it is measured on fewer trials, because it would take most of the time.
    """

    label: str
    alarms: Alarms
    family: str
    slow: bool = False


def trials_of(one: Entrant, trials: int) -> int:
    """Give the number of trials that a contestant is measured on."""
    return max(1, trials // FEWER) if one.slow else trials


def counted(one: Entrant, trials: int) -> str:
    """Write its label, with the number of trials where that is not all."""
    few = trials_of(one, trials)
    return one.label if few == trials else f"{one.label} ({few} trials)"


def standardised(values: Floats) -> Floats:
    """Each series in the unit of its first values, as the pipeline sees it."""
    out = np.empty_like(values)
    unit = Standardiser(len(values), warmup=WARMUP, clip=CLIP)
    unit.scan(np.ascontiguousarray(values), every_row(values), out)
    return out


def ours(entry: Entry, **params: Any) -> Entrant:
    """Build one of our detectors, configured as in a config."""
    resolved = registry.resolve(entry.name, params)

    def alarms(values: Floats) -> Bools:
        ready = values if entry.family in RAW else standardised(values)
        return entry.bank(len(values), **resolved).update(ready)

    return Entrant(entry.name, alarms, entry.family)


def curve(name: str, source: str) -> tuple[list[float], list[float]] | None:
    """Run lengths of a detector on one stationary source: knobs, and mean run lengths."""
    path = resources.files("streamproc.detectors") / "tables" / f"{name}.json"
    if not path.is_file():
        return None
    curves = json.loads(path.read_text("utf-8"))["curves"]
    return (curves[source]["knob"], curves[source]["arl"]) if source in curves else None


def at_equal_arl(entry: Entry, source: str, arl: float) -> Entrant | None:
    """Build a detector whose mean run length on one source is `arl`.

    The knob is that of the shipped simulation of this very source, not the
    more careful one that `arl=` gives for series of any shape. None if the
    detector has no curve or cannot run for so long there.
    """
    found = curve(entry.name, source)
    if entry.knob is None or found is None or len(found[0]) < 2:
        return None
    knobs, lengths = np.array(found[0]), np.maximum.accumulate(found[1])
    if not lengths[0] <= arl <= lengths[-1]:
        return None
    knob = float(np.exp(np.interp(np.log(arl), np.log(lengths), np.log(knobs))))
    return ours(entry, **entry.choice.turned(knob))


def river(name: str, **params: Any) -> Entrant:
    """Build River's own detector with its own defaults, on raw values."""
    module, cls = RIVERS[name]
    build: Callable[..., Any] = getattr(import_module(module), cls)
    seed = {"seed": 42} if name == "kswin" else {}

    def alarms(values: Floats) -> Bools:
        found = np.zeros(values.shape, np.bool_)
        for row, series in enumerate((1.0 - values if name in RIGHT else values).tolist()):
            detector = build(**seed, **params)
            for i, value in enumerate(series):
                detector.update(value)
                found[row, i] = detector.drift_detected
        return found

    family = "error" if name in ERRORS else "mean"
    return Entrant(f"River {cls}", alarms, family, slow=name == "kswin")


def rivers(*, full: bool) -> list[Entrant]:
    """River's detectors with its own defaults; quick mode waits for none that is slow."""
    return [one for one in map(river, RIVERS) if full or not one.slow]


def too_slow(*, full: bool) -> dict[str, str]:
    """Which of them quick mode leaves out, and why."""
    why = "in full mode alone, for it would take half of the time of the quick one"
    return {} if full else {one.label: why for one in map(river, RIVERS) if one.slow}


def baselines(every: int, seed: int) -> list[Entrant]:
    """Alarm never, at a fixed interval, or at random as often."""

    def never(values: Floats) -> Bools:
        return np.zeros(values.shape, np.bool_)

    def clockwork(values: Floats) -> Bools:
        # The phase is another for each series, so that a change is not met by design.
        phase = np.random.default_rng([seed, 1]).integers(0, every, len(values))
        return np.asarray((np.arange(values.shape[1]) + phase[:, None]) % every == every - 1)

    def chance(values: Floats) -> Bools:
        return np.asarray(np.random.default_rng([seed, 2]).random(values.shape) < 1.0 / every)

    return [
        Entrant("never", never, "baseline"),
        Entrant(f"every {every:,}", clockwork, "baseline"),
        Entrant(f"random 1/{every:,}", chance, "baseline"),
    ]
