"""Draw the values of the scenario, with realistic distributions."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

DAY: Final = 24
"""Hours of a day."""
_STAYS: Final = 0.7
"""Part of what the weather adds to an hour that is there in the next one."""

Values = NDArray[Any]
"""One value an event: numbers, booleans or texts; or one row an event."""

Draw = Callable[[Generator, int], Values]
"""Draws a number of values."""

Change = Callable[[Generator, Values], Values]
"""Makes of the values from the beginning of an incident on what it makes of them."""


def amount(median: float, spread: float) -> Draw:
    """Draw sums of money: many small, a few large; `spread` is that of the logarithm."""
    return lambda draw, n: np.round(draw.lognormal(np.log(median), spread, n), 2)


def level(mean: float, std: float, digits: int = 2) -> Draw:
    """Draw from a normal distribution, rounded as an instrument does."""
    return lambda draw, n: np.round(draw.normal(mean, std, n), digits)


def duration(mean: float, shape: float, digits: int = 1) -> Draw:
    """Draw what is never below zero and has a tail; the smaller `shape`, the more skewed."""
    return lambda draw, n: np.round(draw.gamma(shape, mean / shape, n), digits)


def share(a: float, b: float) -> Draw:
    """Draw between 0 and 1, around a / (a + b): a probability, a ratio."""
    return lambda draw, n: np.round(draw.beta(a, b, n), 4)


def count(mean: float) -> Draw:
    """Draw whole numbers with many ties."""
    return lambda draw, n: draw.poisson(mean, n)


def flag(rate: float) -> Draw:
    """Draw booleans, true in this share of the events."""
    return lambda draw, n: draw.random(n) < rate


def one_of(*names: str) -> Draw:
    """Draw one of these texts, each as often as the others."""
    return lambda draw, n: draw.choice(names, n)


def by_hour(mean: float, swing: float, noise: float, digits: int = 1) -> Draw:
    """Draw a value for each hour, the first for 9:00: low by night, high in the evening.

    Parameters
    ----------
    mean
        Of a day.
    swing
        By how much the hours differ from it: about this much.
    noise
        Standard deviation of what is new in each hour; 70 % of it stays for the next.
    digits
        Of the values.
    """

    def drawn(draw: Generator, n: int) -> Values:
        hours = 2 * np.pi * ((9 + np.arange(n)) % DAY) / DAY
        # A second, smaller wave makes a peak in the morning.
        curve = -np.cos(hours - np.pi / 4) - 0.35 * np.cos(2 * hours - 4 * np.pi / 3)
        news = draw.normal(0.0, noise, n).tolist()
        weather = np.array(list(accumulate(news, lambda last, new: _STAYS * last + new)))
        values: Values = np.round(mean + swing * curve + weather, digits)
        return values

    return drawn


def embedding(size: int) -> Draw:
    """Draw a list of numbers an event."""
    return lambda draw, n: np.round(draw.normal(size=(n, size)), 3)


def times(factor: float) -> Change:
    """Multiply every value: another unit."""
    return lambda _, values: np.round(values * factor, 2)


def drift(by: float) -> Change:
    """Add more and more, event by event, up to `by` at the end."""
    return lambda _, values: np.round(values + np.linspace(0.0, by, len(values)), 2)


def replaced(draw_new: Draw) -> Change:
    """Forget the values and draw others."""
    return lambda draw, values: draw_new(draw, len(values))


def late(hours: int) -> Change:
    """Give each hour the value of some hours before: a clock, or a time zone, is wrong."""
    return lambda _, values: np.concatenate([values[DAY - hours : DAY], values[:-hours]])


def missing() -> Change:
    """Leave nothing: every value is null."""
    return lambda _, values: np.full(len(values), None, dtype=object)
