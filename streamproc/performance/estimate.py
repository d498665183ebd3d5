"""Estimate losses before labels arrive, from the losses of similar past predictions.

Classifiers: confidence-based estimation with learned calibration. Predictions of one confidence bin
are expected to be wrong as often as past ones of that bin. Regressions: direct loss estimation from
the prediction alone. Predictions of one size bin are expected to have that bin's past error.

The estimate reacts to changes of the confidence or of the mix of predictions. It cannot detect
concept drift: that shows as a difference to the realised metric, once labels arrive.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import msgspec

from streamproc.performance.losses import SURE
from streamproc.performance.metrics import Floats
from streamproc.schemas.series import Task

BINS: Final = 20
# Labels after which a label has half its weight: 50 labels a bin on average, and a model that was
# retrained in place is learned within a few thousand.
HALF_LIFE: Final = 1000.0
# A bin starts with the model's own confidence as a prior worth this many labels; without a
# confidence, with the average of all bins, worth one.
PRIOR: Final = 5.0
# Predictions of a regression whose quantiles become the bin edges.
CUT_AFTER: Final = 200
_GROWTH: Final = 2.0 ** (1.0 / HALF_LIFE)
# New labels gain weight, instead of all sums shrinking. Past this limit all are divided by a power
# of two, which is exact.
_MAX_WEIGHT: Final = 2.0**40


class Estimate(msgspec.Struct):
    """Estimate the expected loss of one model's predictions, by bins of predictions.

    Attributes
    ----------
    weights, losses
        (BINS,): faded number of labels, and faded sum of losses.
    unit
        Weight of the next label.
    edges
        Bin edges of a regression, 0 to 19; None until `CUT_AFTER` labels were seen.
    """

    weights: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    losses: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    unit: float = 1.0
    edges: list[float] | None = None

    def place(self, task: Task, predicted: float, chance: float | None) -> int:
        """Return the bin of a prediction; `predicted` is a number or the code of a class."""
        if chance is not None:
            return min(int(chance * BINS), BINS - 1)
        if task == "regression":
            return bisect_right(self.edges, predicted) if self.edges else 0
        return int(predicted) % BINS  # classes from the 21st on share bins

    def expected(self, task: Task, predicted: float, chance: float | None) -> float:
        """Return the expected loss of a prediction.

        Without any label or confidence it is 0.5 for a class and 0 for a number.
        """
        at = self.place(task, predicted, chance)
        prior = self.unit * (1.0 if chance is None else PRIOR)
        return (self.losses[at] + prior * self._claim(task, chance)) / (self.weights[at] + prior)

    def mean(self, task: Task, predicted: Floats, chance: Floats) -> float:
        """Return the mean expected loss of several predictions.

        Parameters
        ----------
        task
            Task of the model.
        predicted, chance
            (predictions,): as in `expected`; NaN where a number or a probability is missing.

        Returns
        -------
        float
            NaN without any prediction.
        """
        pairs = zip(predicted.tolist(), chance.tolist(), strict=True)
        costs = [
            self.expected(task, number, None if math.isnan(share) else share)
            for number, share in pairs
            if not math.isnan(number)
        ]
        return sum(costs) / len(costs) if costs else math.nan

    def learn(self, task: Task, predicted: float, chance: float | None, loss: float) -> None:
        """Add the realised loss of a prediction."""
        at = self.place(task, predicted, chance)
        self.weights[at] += self.unit
        self.losses[at] += self.unit * loss
        self.unit *= _GROWTH
        if self.unit > _MAX_WEIGHT:
            self.weights = [weight / _MAX_WEIGHT for weight in self.weights]
            self.losses = [loss / _MAX_WEIGHT for loss in self.losses]
            self.unit /= _MAX_WEIGHT

    def cut(self, predictions: Sequence[float], losses: Sequence[float]) -> None:
        """Set the bin edges of a regression to the quantiles of past predictions."""
        ranked = sorted(predictions)
        steps = [ranked[len(ranked) * k // BINS] for k in range(1, BINS)]
        self.edges = sorted(set(steps))
        self.weights, self.losses, self.unit = [0.0] * BINS, [0.0] * BINS, 1.0
        for predicted, loss in zip(predictions, losses, strict=True):
            self.learn("regression", predicted, None, loss)

    def _claim(self, task: Task, chance: float | None) -> float:
        """Return the expected loss in a bin without labels."""
        if chance is not None:
            claim = chance if chance >= SURE or task == "multiclass" else 1.0 - chance
            return 1.0 - claim
        total = sum(self.weights)
        if total:
            return sum(self.losses) / total
        return 0.0 if task == "regression" else 0.5
