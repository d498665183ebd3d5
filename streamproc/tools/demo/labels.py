"""Generate labels, their delay, and how their relation to the features changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.random import Generator

from streamproc.tools.demo.generators import Values

Chance = Callable[[Mapping[str, Values]], Values]
"""How probable it is, for each event, by what its features are."""

# Labels are this many events late, or in a short story a fifteenth of the events.
_LATE: Final = 300
_LATE_SHARE: Final = 15


@dataclass(frozen=True)
class Truth:
    """What a binary model should say: the relation of its features to what they are signs of.

    Features are drawn as ever: whoever looks at them, or at what the model says, sees nothing.

    Parameters
    ----------
    title
        What happens, in the words of the person who will have to explain it afterwards.
    before, after
        How probable the positive class is, by the features, before and after that. The model was
        made for `before`, and says that probability.
    begins
        Where, as a share of the model's events.
    within
        Maximum detection delay in labels.
    turned
        Where labels begin to come the wrong way round for a while, as a share of the events.
    known
        Share of the events whose label ever comes.
    """

    title: str
    before: Chance
    after: Chance
    begins: float
    within: int
    turned: float
    known: float


@dataclass(frozen=True)
class Labels:
    """Predictions and labels of a model's events, an element for each event.

    Parameters
    ----------
    delay
        Events of the model between an event and its label.
    predicted
        The probability that the model gave.
    came
        The label as it comes; None: none comes.
    begins
        The first event of which another pattern is true.
    turned
        The events with inverted labels.
    """

    delay: int
    predicted: tuple[float, ...]
    came: tuple[bool | None, ...]
    begins: int
    turned: range

    @property
    def count(self) -> int:
        """How many labels come."""
        return len(self.came) - self.came.count(None)

    def due(self, count: int) -> int:
        """Return the number of events up to the last of this many labels."""
        places = (row for row, label in enumerate(self.came) if label is not None)
        return next(islice(places, count - 1, None), -1) + 1 if count else 0

    def between(self, rows: range) -> int:
        """Count the labels of some events."""
        return sum(1 for row in rows if self.came[row] is not None)

    def wrong(self, row: int) -> bool:
        """Whether the model's prediction differs from the label of this event."""
        return (self.predicted[row] >= 0.5) != self.came[row]


def logistic(intercept: float, **weights: float) -> Chance:
    """Make the probability that a logistic regression in these features gives.

    Examples
    --------
    >>> logistic(-1.0, amount=0.5)({"amount": np.array([2.0, 100.0])}).tolist()
    [0.5, 1.0]
    """

    def chance(columns: Mapping[str, Values]) -> Values:
        total = intercept + sum(weight * columns[name] for name, weight in weights.items())
        found: Values = 1 / (1 + np.exp(-np.clip(total, -50, 50)))
        return found

    return chance


def labels(truth: Truth, columns: Mapping[str, Values], draw: Generator) -> Labels:
    """Let come true what the features are signs of."""
    before, after = truth.before(columns), truth.after(columns)
    count = len(before)
    delay = min(_LATE, count // _LATE_SHARE)
    begins, start = round(truth.begins * count), round(truth.turned * count)
    # A challenger first waits for the labels of its first predictions.
    turned = range(start, min(count, start + 5 * delay // 4 + 60))
    rows = np.arange(count)
    positive = draw.random(count) < np.where(rows < begins, before, after)
    positive ^= (rows >= turned.start) & (rows < turned.stop)
    known = draw.random(count) < truth.known
    came = [label if comes else None for label, comes in zip(positive.tolist(), known, strict=True)]
    return Labels(delay, tuple(np.round(before, 4).tolist()), tuple(came), begins, turned)
