"""The changes of table 3, each with the likelihood ratio that an oracle would use."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streamproc.detectors.evaluation.calibration.distributions import Sampler, Shape
from streamproc.detectors.evaluation.scoreboard.oracle import Ratio
from streamproc.detectors.runtime.dtypes import Floats


@dataclass(frozen=True, slots=True)
class Scenario:
    """A change at a known row.

    Attributes
    ----------
    name
        As printed.
    source
        Stationary series before it, by its name in the tables of run lengths.
    before, after
        Samplers.
    ratio
        Log-likelihood ratio of after against before.
    width
        Values over which the new distribution takes over, 0: at once.
    quick
        Whether the quick mode has it.
    """

    name: str
    source: str
    before: Sampler
    after: Sampler
    ratio: Ratio
    width: int = 0
    quick: bool = False

    def values(self, rng: np.random.Generator, shape: Shape, change: int) -> Floats:
        """Draw series that change at a row, or from it on gradually."""
        rows = np.arange(shape[1])
        share = np.clip((rows - change) / self.width, 0.0, 1.0) if self.width else rows >= change
        new = rng.random(shape) < share
        return np.where(new, self.after(rng, shape), self.before(rng, shape))


def _normal(mean: float = 0.0, sigma: float = 1.0) -> Sampler:
    return lambda rng, shape: rng.normal(mean, sigma, shape)


def _student(mean: float = 0.0, scale: float = 1.0) -> Sampler:
    return lambda rng, shape: mean + scale * rng.standard_t(3, shape)


def _coin(rate: float) -> Sampler:
    return lambda rng, shape: (rng.random(shape) < rate).astype(np.float64)


def _normal_log(mean: float, sigma: float) -> Callable[[Floats], Floats]:
    return lambda x: -math.log(sigma) - 0.5 * ((x - mean) / sigma) ** 2


def _student_log(mean: float, scale: float) -> Callable[[Floats], Floats]:
    return lambda x: -math.log(scale) - 2.0 * np.log1p(((x - mean) / scale) ** 2 / 3.0)


def _coin_log(rate: float) -> Callable[[Floats], Floats]:
    return lambda x: x * math.log(rate) + (1.0 - x) * math.log(1.0 - rate)


def _ratio(after: Callable[[Floats], Floats], before: Callable[[Floats], Floats]) -> Ratio:
    return lambda x: after(x) - before(x)


def _normals(
    name: str, mean: float, sigma: float = 1.0, *, quick: bool = False, width: int = 0
) -> Scenario:
    ratio = _ratio(_normal_log(mean, sigma), _normal_log(0.0, 1.0))
    return Scenario(name, "N(0, 1)", _normal(), _normal(mean, sigma), ratio, width, quick)


def _students(
    name: str, mean: float, scale: float = 1.0, *, quick: bool = False, width: int = 0
) -> Scenario:
    ratio = _ratio(_student_log(mean, scale), _student_log(0.0, 1.0))
    return Scenario(name, "Student t(3)", _student(), _student(mean, scale), ratio, width, quick)


def _coins(before: float, after: float, *, quick: bool = False) -> Scenario:
    ratio = _ratio(_coin_log(after), _coin_log(before))
    name = f"Bernoulli {before:g}→{after:g}"
    source = f"Bernoulli({before:g})"
    return Scenario(name, source, _coin(before), _coin(after), ratio, quick=quick)


_T = math.sqrt(3.0)
SCENARIOS: tuple[Scenario, ...] = (
    *(_normals(f"N +{d:g}σ", d, quick=d > 0.3) for d in (0.25, 0.5, 1.0)),
    *(_students(f"t(3) +{d:g}σ", d * _T, quick=d == 1.0) for d in (0.25, 0.5, 1.0)),
    *(_coins(0.2, p, quick=p > 0.25) for p in (0.25, 0.3, 0.4)),
    *(_coins(p, 0.2, quick=p == 0.4) for p in (0.25, 0.3, 0.4)),
    _normals("N variance ×2", 0.0, math.sqrt(2.0), quick=True),
    _students("t(3) variance ×2", 0.0, math.sqrt(2.0)),
    *(_normals(f"N +1σ over {w:,}", 1.0, width=w, quick=w == 500) for w in (500, 2000)),
    *(_students(f"t(3) +1σ over {w:,}", _T, width=w) for w in (500, 2000)),
)
"""All changes; the oracle of a gradual one knows where it ends, not how."""
