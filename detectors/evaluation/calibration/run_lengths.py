"""Simulated run lengths: how many values until a false alarm, for each value of a knob."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.evaluation.calibration.distributions import DISTRIBUTIONS, Sampler, Shape
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.run_length import ARL
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.standardise import Standardiser
from streamproc.detectors.series_monitor import CLIP, WARMUP
from streamproc.detectors.spec import Entry

SERIES = 400
"""Series that are simulated together; each learns its own unit, and its error is included."""
CHUNK = 1250
"""Values a series and step."""
ALARMS = 200
"""A knob is done after this number of alarms: its run length is known within an eighth."""
FEW = 10
"""Fewer alarms than these: a stricter knob is not worth more than `AHEAD` places of looking."""
AHEAD = 1
CONFIDENCE = 0.95
"""Of the lower bound that goes into a table."""

RATES = (0.05, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Of errors, raw, for what watches errors."""
BETWEEN = ("Bernoulli(0.25)", "Bernoulli(0.3)", "Bernoulli(0.4)")
"""Sources of which only curves are kept, for comparisons: a tenth of the effort. Not so for raw
errors: some detectors run shortest between .2 and .5."""
SHAPES = (
    "N(0, 1)",
    "Student t(3)",
    "lognormal(0, 1)",
    *(f"Bernoulli({p:g})" for p in RATES),
)
"""Series through the `Standardiser`, for what watches values."""
CLASSES: dict[str, Floats] = {
    "4 equal classes": np.ones(4),
    "32 equal classes": np.ones(32),
    "100 classes by Zipf": 1.0 / np.arange(1, 101),
}
"""Shares, up to a factor, of the classes of what watches categories, beside errors as codes."""
Source = Callable[[np.random.Generator], Iterator[Floats]]


def lower_bound(values: float, alarms: int, confidence: float = CONFIDENCE) -> float:
    """Bound the mean of exponential run lengths from below.

    Parameters
    ----------
    values
        Observed in all, those of runs cut off without an alarm included: the
        maximum-likelihood mean of censored exponential runs is values / alarms.
    alarms
        Seen among them.
    confidence
        That the true mean is not below.

    Returns
    -------
    float
        2 · values / χ² quantile with 2 · alarms + 2 degrees of freedom,
        the quantile by Wilson and Hilferty's cube (within 1 %).

    References
    ----------
    B. Epstein, M. Sobel, "Life Testing", J. Amer. Statist. Assoc. 48, 1953.

    Examples
    --------
    >>> round(lower_bound(3e6, 0), -4)
    1010000.0
    """
    freedom = 2.0 * alarms + 2.0
    part = 2.0 / (9.0 * freedom)
    z = NormalDist().inv_cdf(confidence)
    return float(2.0 * values / (freedom * (1.0 - part + z * part**0.5) ** 3))


def _sampler(name: str) -> Sampler:
    for distribution in DISTRIBUTIONS:
        if distribution.name == name:
            return distribution.before
    rate = float(name.removeprefix("Bernoulli(").removesuffix(")"))
    return lambda rng, shape: (rng.random(shape) < rate).astype(np.float64)


def standardised(name: str) -> Source:
    """Endless stationary series of a distribution, each in its own learned unit."""
    before = _sampler(name)

    def chunks(rng: np.random.Generator) -> Iterator[Floats]:
        unit = Standardiser(SERIES, warmup=WARMUP, clip=CLIP)
        shape: Shape = (SERIES, CHUNK)
        tasks = every_row(np.empty(shape))
        while True:
            out = np.empty(shape)
            unit.scan(before(rng, shape), tasks, out)
            yield out

    return chunks


def errors(rate: float) -> Source:
    """Endless errors at a rate."""

    def chunks(rng: np.random.Generator) -> Iterator[Floats]:
        while True:
            yield (rng.random((SERIES, CHUNK)) < rate).astype(np.float64)

    return chunks


def categories(weights: Floats) -> Source:
    """Endless codes of categories, 0, 1, …, in proportion to weights."""
    upto = np.cumsum(weights) / weights.sum()

    def chunks(rng: np.random.Generator) -> Iterator[Floats]:
        while True:
            codes = np.searchsorted(upto, rng.random((SERIES, CHUNK)), "right")
            yield np.minimum(codes, len(upto) - 1).astype(np.float64)

    return chunks


def sources(family: str) -> dict[str, Source]:
    """Give the stationary series on which a family of detectors must keep its promise."""
    rates = {f"errors({rate:g})": errors(rate) for rate in RATES}
    if family == "error":
        return rates
    if family == "category":
        return rates | {name: categories(weights) for name, weights in CLASSES.items()}
    return {name: standardised(name) for name in SHAPES}


@dataclass(slots=True)
class Run:
    """What one knob has seen so far."""

    knob: float
    bank: Bank
    alarms: int = 0
    values: int = 0

    def feed(self, values: Floats, present: int) -> None:
        """Take a chunk; `present` of its values are not missing."""
        self.alarms += int(self.bank.update(values).sum())
        self.values += present


@dataclass(slots=True)
class Sweep:
    """All knobs of one detector on one source, loosest first."""

    runs: list[Run]
    limit: float
    fed: int = field(default=0)

    def active(self) -> list[Run]:
        """Knobs that still have something to learn."""
        runs = [run for run in self.runs if run.values < self.limit]
        few = next((i for i, run in enumerate(self.runs) if run.alarms < FEW), len(self.runs))
        near = self.runs[: few + AHEAD]
        return [run for run in runs if run.alarms < ALARMS and run in near]


def knobs(entry: Entry, count: int) -> list[float]:
    """Values from loose to strict, evenly in their logarithm."""
    if entry.knob is None:
        msg = f"{entry.name}: it has no knob to calibrate"
        raise ParameterError(msg)
    return [float(k) for k in np.geomspace(entry.knob.loose, entry.knob.strict, count)]


def bank(entry: Entry, knob: float) -> Bank:
    """Build a bank of `SERIES` with the parameters for monitoring, but for the knob."""
    others = {name: value for name, value in entry.monitoring.items() if name != ARL.name}
    return entry.bank(SERIES, **others | entry.choice.turned(knob))


def sweep(entry: Entry, values: Sequence[float], limit: float) -> Sweep:
    """Start the runs of a detector at some values of its knob."""
    return Sweep([Run(value, bank(entry, value)) for value in values], limit)


def simulate(source: Source, seed: np.random.SeedSequence, sweeps: Sequence[Sweep]) -> None:
    """Feed the same series to all sweeps, until none has anything left to learn."""
    for chunk in source(np.random.default_rng(seed)):
        at_work = [run for one in sweeps for run in one.active()]
        if not at_work:
            return
        present = int((~np.isnan(chunk)).sum())
        for run in at_work:
            run.feed(chunk, present)


def measured(
    name: str,
    given: Mapping[str, object],
    source: Source,
    seed: np.random.SeedSequence,
    limit: float,
) -> Run:
    """Count the false alarms of a detector as configured, until `ALARMS` or `limit` values."""
    entry = registry.get(name)
    run = Run(float("nan"), entry.bank(SERIES, **registry.resolve(name, given)))
    simulate(source, seed, [Sweep([run], limit)])
    return run
