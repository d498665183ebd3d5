"""Losses expected before labels are known, from how predictions like them turned out.

A classifier says how sure it is: among past answers with the same confidence some share was wrong,
and the next ones are expected to err as often (confidence-based estimation, with a calibration that
is learned). Of a regression, the absolute error is expected to be what it was for predictions of
the same size (direct loss estimation, with the prediction as the only input).

The estimate sees what moves confidence or the mix of predictions. It cannot see the same inputs
taking on another meaning: that shows in the difference to the realised figure, once labels come.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import msgspec

from streamproc.config.model import Task
from streamproc.performance.losses import SURE
from streamproc.performance.metrics import Floats

BINS: Final = 20
# Half the weight of what is known is of the last thousand labels: long enough for 50 a bin, short
# enough that a model which was retrained in place is known again within a few thousand.
HALF_LIFE: Final = 1000.0
# A bin begins with what the model itself claims, as that many labels; without a claim with the
# average of all bins, as one.
PRIOR: Final = 5.0
# Predictions of a regression that its bins are cut from.
CUT_AFTER: Final = 200
_GROWTH: Final = 2.0 ** (1.0 / HALF_LIFE)
# Weights grow instead of all sums shrinking; past this they are brought back, by a power of two,
# which rounds nothing.
_MAX_WEIGHT: Final = 2.0**40


class Estimate(msgspec.Struct):
    """What one model's predictions are expected to cost, by bins of predictions.

    Attributes
    ----------
    weights, losses
        (BINS,): faded number of labels, and sum of losses.
    unit
        Weight of the next label.
    edges
        Of a regression's bins, between 19 and none; None until `CUT_AFTER` were seen.
    """

    weights: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    losses: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    unit: float = 1.0
    edges: list[float] | None = None

    def place(self, task: Task, said: float, chance: float | None) -> int:
        """Find a prediction's bin; `said` is a number or the code of a class."""
        if chance is not None:
            return min(int(chance * BINS), BINS - 1)
        if task == "regression":
            return bisect_right(self.edges, said) if self.edges else 0
        return int(said) % BINS  # classes past the twentieth share

    def expected(self, task: Task, said: float, chance: float | None) -> float:
        """Return the loss that a prediction is expected to have.

        0.5 for a class of a model that has neither a label nor a confidence yet; 0 for a number.
        """
        at = self.place(task, said, chance)
        prior = self.unit * (1.0 if chance is None else PRIOR)
        return (self.losses[at] + prior * self._claim(task, chance)) / (self.weights[at] + prior)

    def mean(self, task: Task, said: Floats, chance: Floats) -> float:
        """Return the mean of what several predictions are expected to cost.

        Parameters
        ----------
        task
            What the model does.
        said, chance
            (predictions,): as in `expected`; NaN where there is no probability.
        """
        pairs = zip(said.tolist(), chance.tolist(), strict=True)
        costs = [
            self.expected(task, number, None if math.isnan(share) else share)
            for number, share in pairs
            if not math.isnan(number)
        ]
        return sum(costs) / len(costs) if costs else math.nan

    def learn(self, task: Task, said: float, chance: float | None, loss: float) -> None:
        """Take in what a prediction did cost."""
        at = self.place(task, said, chance)
        self.weights[at] += self.unit
        self.losses[at] += self.unit * loss
        self.unit *= _GROWTH
        if self.unit > _MAX_WEIGHT:
            self.weights = [weight / _MAX_WEIGHT for weight in self.weights]
            self.losses = [loss / _MAX_WEIGHT for loss in self.losses]
            self.unit /= _MAX_WEIGHT

    def cut(self, predictions: Sequence[float], losses: Sequence[float]) -> None:
        """Choose the bins of a regression so that past predictions spread evenly over them."""
        ranked = sorted(predictions)
        steps = [ranked[len(ranked) * k // BINS] for k in range(1, BINS)]
        self.edges = sorted(set(steps))
        self.weights, self.losses, self.unit = [0.0] * BINS, [0.0] * BINS, 1.0
        for said, loss in zip(predictions, losses, strict=True):
            self.learn("regression", said, None, loss)

    def _claim(self, task: Task, chance: float | None) -> float:
        """Return what is expected where nothing like it was seen."""
        if chance is not None:
            claim = chance if chance >= SURE or task == "multiclass" else 1.0 - chance
            return 1.0 - claim
        total = sum(self.weights)
        if total:
            return sum(self.losses) / total
        return 0.0 if task == "regression" else 0.5
