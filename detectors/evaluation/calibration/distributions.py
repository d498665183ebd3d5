"""The stationary series of the table, and each one's shift by one deviation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats

Shape = tuple[int, int]
Sampler = Callable[[np.random.Generator, Shape], Floats]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A stationary series, and the same after its mean rose by its deviation.

    Attributes
    ----------
    name
        As in the table.
    before, after
        (generator, shape) → float64 of that shape.
    """

    name: str
    before: Sampler
    after: Sampler


def _normal(rng: np.random.Generator, shape: Shape, mean: float) -> Floats:
    return rng.normal(mean, 1.0, shape)


def _lognormal(rng: np.random.Generator, shape: Shape, plus: float) -> Floats:
    return rng.lognormal(0.0, 1.0, shape) + plus


def _student(rng: np.random.Generator, shape: Shape, plus: float) -> Floats:
    return rng.standard_t(3, shape) + plus


def _uniform(rng: np.random.Generator, shape: Shape, plus: float) -> Floats:
    return rng.random(shape) + plus


def _bernoulli(rng: np.random.Generator, shape: Shape, p: float) -> Floats:
    return (rng.random(shape) < p).astype(np.float64)


def _poisson(rng: np.random.Generator, shape: Shape, rate: float) -> Floats:
    return rng.poisson(rate, shape).astype(np.float64)


def _integers(rng: np.random.Generator, shape: Shape, plus: float) -> Floats:
    return rng.integers(0, 5, shape).astype(np.float64) + plus


def _constant(_: np.random.Generator, shape: Shape, value: float) -> Floats:
    return np.full(shape, value)


def _pair(name: str, sampler: Callable[..., Floats], before: float, after: float) -> Distribution:
    return Distribution(
        name,
        lambda rng, shape: sampler(rng, shape, before),
        lambda rng, shape: sampler(rng, shape, after),
    )


def _by_rate(name: str, sampler: Callable[..., Floats], rate: float, sigma: float) -> Distribution:
    """Shift the parameter, not the values: harder, since the spread grows with it."""
    return _pair(f"{name}({rate:g})", sampler, rate, rate + sigma)


_coin = partial(_by_rate, "Bernoulli", _bernoulli)

DISTRIBUTIONS = (
    _pair("N(0, 1)", _normal, 0.0, 1.0),
    _pair("lognormal(0, 1)", _lognormal, 0.0, float(np.sqrt((np.e - 1.0) * np.e))),
    _pair("Student t(3)", _student, 0.0, float(np.sqrt(3.0))),
    _pair("uniform(0, 1)", _uniform, 0.0, float(np.sqrt(1.0 / 12.0))),
    *(_coin(p, float(np.sqrt(p * (1.0 - p)))) for p in (0.01, 0.05, 0.2, 0.5)),
    *(_by_rate("Poisson", _poisson, rate, float(np.sqrt(rate))) for rate in (0.2, 2.0)),
    _pair("integers 0…4", _integers, 0.0, float(np.sqrt(2.0))),
    _pair("constant", _constant, 3.7, 4.7),  # it has no deviation: any other value
)
