"""Detect label selection bias: errors then describe the labelled subset only.

Each comparison is a bet. Of the events of a few steps of time and of those among them that have a
label, a part holds as many labels as it would by chance (hypergeometric), or the odds of a label
there are others (Fisher's noncentral hypergeometric): what the second makes of the counts, divided
by what the first does, is what a bet wins. It cannot win for long where labels are missing at
random, however many events have one and however that changes with time. It starts again from
nothing whenever it has lost everything, so that with `CERTAIN` to 1 it accuses in vain once in a
million comparisons at most (an e-detector; Shin, Ramdas, Rinaldo, "E-detectors", 2024).
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, Literal, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

Counts = dict[str, tuple[int, int]]
"""Value → events, and how many of them have a label."""

Verdict = Literal["biased", "even"]
SCORE: Final = "score"
"""What tells apart events whose prediction is a number."""

Number = TypeVar("Number", int, float)

CERTAIN: Final = math.log(1e6)
"""Log of what bets have to win before labels are called biased."""
EVEN: Final = math.log(1e3)
"""The same before they are called even again."""
ODDS: Final = (1 / 6, 1 / 2, 2.0, 6.0)
"""What is bet on: odds of a label, against those of the rest. The nearest lose on odds of less than
about 1.4: a share of 34 % beside one of 27 % is not worth waking anybody."""
ALL: Final = 0.95
"""Where so many have a label, what sees labels sees nearly everything."""
KEEP: Final = 0.8
"""What is left of older counts after a comparison, in what is told."""
# Of more events counts are scaled down, which makes bets smaller, never larger; it bounds the work.
MAX_EVENTS: Final = 20_000


class Cohort(msgspec.Struct):
    """A part of a model's events.

    Attributes
    ----------
    bets
        Log of what each of `ODDS` has won.
    events, labels
        Faded numbers.
    """

    bets: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(ODDS))
    events: float = 0.0
    labels: float = 0.0


class LabelBiasTest(msgspec.Struct):
    """The bets on what one thing tells apart.

    Attributes
    ----------
    parts
        By value, in the order in which they came.
    accused, odds
        The part whose bet won most, and which of `ODDS` that was, while labels are biased.
    back
        Log of what the opposite bet has won since.
    open
        Id of the incident; empty: there is none.
    """

    parts: dict[str, Cohort] = {}
    accused: str = ""
    odds: int = 0
    back: float = 0.0
    open: str = ""

    def step(self, counts: Counts, *, ordered: bool) -> Verdict | None:
        """Take the counts of the next steps of time; return what has just become certain.

        Parameters
        ----------
        counts
            By value.
        ordered
            Whether the values are numbers: then what is below each is compared with the rest.
        """
        events, labels = (sum(pair[side] for pair in counts.values()) for side in (0, 1))
        self._remember(counts)
        if labels >= ALL * events:
            self._start_anew()
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
            part.bets = [max(bet, 0.0) + log for bet, log in zip(part.bets, logs, strict=True)]
        return self._accuse()

    def shares(self, *, ordered: bool) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the share of labels, and the number of events, of the accused and of the rest.

        Both are of the last comparisons.
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
        # The k-th part has 1 / k (k + 1) of the stakes: however many come, it is never more than 1.
        logs = [
            (bet - math.log(place * (place + 1) * len(ODDS)), value, odds)
            for place, (value, part) in enumerate(self.parts.items(), 1)
            for odds, bet in enumerate(part.bets)
        ]
        top = max(logs, default=(0.0, "", 0))
        if top[0] + math.log(sum(math.exp(log - top[0]) for log, _, _ in logs)) < CERTAIN:
            return None
        self._start_anew()
        _, self.accused, self.odds = top
        return "biased"

    def _look_back(self, won: dict[str, list[float]]) -> Verdict | None:
        if self.accused in won:
            self.back = max(self.back, 0.0) - won[self.accused][self.odds]
        if self.back < EVEN:
            return None
        self._start_anew()
        return "even"

    def _start_anew(self) -> None:
        self.back = 0.0
        for part in self.parts.values():
            part.bets = [0.0] * len(ODDS)


def usable(by: str, counts: Counts) -> Counts:
    """Return counts as `LabelBiasTest.step` takes them.

    Raises
    ------
    ValueError
        If they are none.
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
    """Return what is below each value, of counts by numbers.

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
    rest, rest_without = round((labels - found) * by), round((events - labels - came + found) * by)
    return (
        with_label + without,
        with_label,
        with_label + without + rest + rest_without,
        with_label + rest,
    )


def log_evidence(came: int, found: int, events: int, labels: int) -> list[float]:
    """Return the log of what a bet on each of `ODDS` makes of the labels of a part.

    Parameters
    ----------
    came, found
        Events of the part, and those with a label.
    events, labels
        The same of all.

    Examples
    --------
    >>> [round(log, 2) for log in log_evidence(50, 0, 100, 40)]
    [17.75, 10.62, -18.53, -41.97]
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
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum()))
