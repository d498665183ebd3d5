"""Detect label selection bias: errors then describe the labelled subset only.

A cohort is the events of one value. Given the number of its events, of all events and of all
labels, its number of labels is hypergeometric if labels are missing at random, and Fisher's
noncentral hypergeometric if the odds of a label differ. The likelihood ratio of the two is the gain
of one bet. Wealth cannot grow for long while labels are missing at random, whatever their share and
however it changes over time. It restarts at 1 when it falls below, and `CERTAIN` bounds false
alarms to one in a million comparisons (an e-detector; Shin, Ramdas, Rinaldo, "E-detectors", 2024).
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, Literal, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from streamproc.performance.sequential_test import CERTAIN, add_gains, log_total

Counts = dict[str, tuple[int, int]]
"""Value → (events, events with a label)."""

Verdict = Literal["biased", "even"]
SCORE: Final = "score"
"""Name of the comparison by the value of a numeric prediction."""

Number = TypeVar("Number", int, float)

EVEN: Final = math.log(1e3)
"""Log of the wealth at which biased labels are called even again."""
ODDS: Final = (1 / 6, 1 / 2, 2.0, 6.0)
"""Alternative hypotheses: the odds of a label in a cohort, relative to all other events. Ratios
below about 1.4 (34 % labelled against 27 %) gain nothing: they are too small for an alert."""
ALL: Final = 0.95
"""Share of labelled events from which on selection cannot matter."""
KEEP: Final = 0.8
"""Weight of older counts after each comparison, in the shares that alerts show."""
# Larger counts are scaled down: this bounds the work and only makes bets smaller.
MAX_EVENTS: Final = 20_000


class Cohort(msgspec.Struct):
    """The events of one value.

    Attributes
    ----------
    bets
        Log wealth for each of `ODDS`.
    events, labels
        Faded number of events, and of those with a label.
    """

    bets: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(ODDS))
    events: float = 0.0
    labels: float = 0.0


class LabelBiasTest(msgspec.Struct):
    """Test whether labels depend on one property of the events.

    Attributes
    ----------
    parts
        Cohorts by value, in order of appearance.
    accused, odds
        While labels are biased: value of the cohort with the largest wealth, and its index in
        `ODDS`.
    back
        Log wealth of the opposite bet since then.
    open
        Id of the open incident; empty if there is none.
    """

    parts: dict[str, Cohort] = {}
    accused: str = ""
    odds: int = 0
    back: float = 0.0
    open: str = ""

    def step(self, counts: Counts, *, ordered: bool) -> Verdict | None:
        """Add the counts of the next time steps; return the verdict that they establish.

        Parameters
        ----------
        counts
            Events and labels by value.
        ordered
            Whether values are numbers: then events below each value are compared with the others.

        Returns
        -------
        Verdict or None
            `biased` or `even` when that changes; None otherwise.
        """
        events, labels = (sum(pair[side] for pair in counts.values()) for side in (0, 1))
        self._remember(counts)
        if labels >= ALL * events:
            self._restart()
            return "even" if self.open else None
        compared = below(counts) if ordered else counts
        won = {
            value: log_evidence(*_scaled(came, found, events, labels))
            for value, (came, found) in compared.items()
        }
        if self.open:
            return self._look_back(won)
        for value, logs in won.items():
            part = self.parts[value]
            part.bets = add_gains(part.bets, logs)
        return self._accuse()

    def shares(self, *, ordered: bool) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return (share of labels, events) of the suspected cohort, and of all other events.

        Both are faded over past comparisons.
        """
        counts = {value: (part.events, part.labels) for value, part in self.parts.items()}
        events, labels = (sum(pair[side] for pair in counts.values()) for side in (0, 1))
        compared = below(counts) if ordered else counts
        came, found = compared.get(self.accused, (0.0, 0.0))
        return _share(came, found), _share(events - came, labels - found)

    def _remember(self, counts: Counts) -> None:
        for part in self.parts.values():
            part.events, part.labels = part.events * KEEP, part.labels * KEEP
        for value, (came, found) in counts.items():
            part = self.parts.setdefault(value, Cohort())
            part.events, part.labels = part.events + came, part.labels + found

    def _accuse(self) -> Verdict | None:
        # Cohort k has 1 / k (k + 1) of the stakes, so any number of cohorts stakes at most 1.
        logs = [
            (bet - math.log(place * (place + 1) * len(ODDS)), value, odds)
            for place, (value, part) in enumerate(self.parts.items(), 1)
            for odds, bet in enumerate(part.bets)
        ]
        if not logs or log_total([log for log, _, _ in logs]) < CERTAIN:
            return None
        self._restart()
        _, self.accused, self.odds = max(logs)
        return "biased"

    def _look_back(self, won: dict[str, list[float]]) -> Verdict | None:
        if self.accused in won:
            self.back = max(self.back, 0.0) - won[self.accused][self.odds]
        if self.back < EVEN:
            return None
        self._restart()
        return "even"

    def _restart(self) -> None:
        self.back = 0.0
        for part in self.parts.values():
            part.bets = [0.0] * len(ODDS)


def usable(by: str, counts: Counts) -> Counts:
    """Return validated counts for `LabelBiasTest.step`; non-finite scores are left out.

    Raises
    ------
    ValueError
        If there are more labels than events, or a score is not a number.
    """
    if any(found > came for came, found in counts.values()):
        raise ValueError(f"coverage by {by!r} has more labels than events")
    if by != SCORE:
        return counts
    try:
        return {
            value: pair for value, pair in counts.items() if value and math.isfinite(float(value))
        }
    except ValueError as error:
        raise ValueError(f"coverage by {by!r}: {error}") from error


def below(counts: Mapping[str, tuple[Number, Number]]) -> dict[str, tuple[Number, Number]]:
    """Return the counts of all smaller values, for each numeric value but the smallest.

    Examples
    --------
    >>> below({"0.5": (10, 1), "0": (20, 15), "0.7": (5, 0)})
    {'0.5': (20, 15), '0.7': (30, 16)}
    """
    found: dict[str, tuple[Number, Number]] = {}
    values = sorted(counts, key=float)
    for last, value in pairwise(values):
        events, labels = found.get(last, (0, 0))
        found[value] = events + counts[last][0], labels + counts[last][1]
    return found


def _share(events: float, labels: float) -> tuple[float, float]:
    return (labels / events if events else 0.0), events


def _scaled(came: int, found: int, events: int, labels: int) -> tuple[int, int, int, int]:
    by = min(1.0, MAX_EVENTS / events)
    if by == 1.0:
        return came, found, events, labels
    with_label, without = round(found * by), round((came - found) * by)
    others, others_without = (
        round((labels - found) * by),
        round((events - labels - came + found) * by),
    )
    return (
        with_label + without,
        with_label,
        with_label + without + others + others_without,
        with_label + others,
    )


def log_evidence(came: int, found: int, events: int, labels: int) -> list[float]:
    """Return the log likelihood ratio of each of `ODDS` for the labels of a cohort.

    Parameters
    ----------
    came, found
        Events of the cohort, and those with a label.
    events, labels
        All events, and those with a label.

    Examples
    --------
    >>> [round(log, 2) for log in log_evidence(50, 0, 100, 40)]
    [26.46, 12.42, -15.31, -45.21]
    """
    first = max(0, labels - (events - came))
    number = np.arange(first, min(came, labels), dtype=np.float64)
    ways = (came - number) * (labels - number)
    against = (number + 1.0) * (events - came - labels + number + 1.0)
    logs = np.concatenate([[0.0], np.cumsum(np.log(ways / against))])
    places = np.arange(len(logs), dtype=np.float64)
    chance = _log_sum(logs)
    return [
        (found - first) * math.log(odds) - _log_sum(logs + places * math.log(odds)) + chance
        for odds in ODDS
    ]


def _log_sum(logs: npt.NDArray[np.float64]) -> float:
    """Return `log_total` of an array, which may have thousands of elements."""
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum()))
