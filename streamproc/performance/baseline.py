"""Test whether a production model beats a simple baseline.

Model and baseline are compared label by label with an e-detector (Shin, Ramdas, Rinaldo,
"E-detectors", 2024). Its null hypothesis: the model's loss is at least 5 % below the baseline's.
Wealth grows on labels where the model is worse and restarts at 1 when it falls below. An alarm
needs a wealth of exp(`CERTAIN`), so a model that is better alarms at most once in a million labels,
whatever the distribution of the losses.

The baseline of an online model (`streamproc.online.baseline`) is another computation on purpose.
Here labels come late and in any order, so `last` is the last label that was known at the time of
the event; counts and mean fade, since a version runs for months; and the class frequencies are a
prediction with probabilities, which is compared by its Brier score.
"""

import math
from typing import Final, Literal

import msgspec

from streamproc.config.baseline import Baseline, Heuristic, Rule, default_baseline
from streamproc.performance.losses import MAX_NUMBER, ScoredPrediction
from streamproc.performance.sequential_test import CERTAIN, add_gains, log_total
from streamproc.schemas.series import Task

BaselineKind = Heuristic | Literal["rule"]
Answer = str | float | None
Verdict = Literal["worse", "better"]

MARGIN: Final = 0.05
"""The model's loss must be below the baseline's by this share of it, so that a model that only
repeats the heuristic does not count as better."""
STAKES: Final = (0.05, 0.15, 0.4, 0.8)
HALF_LIFE: Final = 500.0
"""Labels after which a label has half its weight in the heuristic."""
RECENT: Final = 200.0
"""Labels after which a loss has half its weight in the losses that an alert shows."""
WARMUP: Final = 200
"""Labels that the heuristic learns before it is compared."""
# The heuristic `last` may use only labels that were known at the time of the event.
MAX_WAITING: Final = 4096
MAX_CLASSES: Final = 50
_KEEP: Final = 0.5 ** (1.0 / HALF_LIFE)
_KEEP_RECENT: Final = 0.5 ** (1.0 / RECENT)


class BaselineTest(msgspec.Struct):
    """Compare one version of a model with a heuristic.

    Attributes
    ----------
    plan
        The heuristic.
    seen
        Number of labels so far.
    weight
        Exponentially faded number of labels.
    classes
        Faded number of labels by class.
    mean, last
        Faded mean of the labels (regression); the last label known at the time of an event.
    waiting
        (time, label) of labels later than the last event; seconds since 1970.
    own, plain
        Faded sums of the losses of the model and of the heuristic.
    compared
        Faded number of labels in these sums.
    bets
        Log wealth for each of `STAKES`: evidence that the model is not better or, while an
        incident is open, that it is.
    open
        Id of the open incident; empty if the model beats the heuristic.
    """

    plan: BaselineKind
    seen: int = 0
    weight: float = 0.0
    classes: dict[str, float] = {}
    mean: float = 0.0
    last: str | float | None = None
    waiting: list[tuple[float, str | float]] = []
    own: float = 0.0
    plain: float = 0.0
    compared: float = 0.0
    bets: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(STAKES))
    open: str = ""

    def step(
        self, scored: ScoredPrediction, answer: Answer, times: tuple[float, float]
    ) -> Verdict | None:
        """Compare at the next label, then learn the label.

        Parameters
        ----------
        scored
            The prediction and its label.
        answer
            Prediction of the configured rule, if the heuristic is a rule.
        times
            Event times of the event and of its label, seconds since 1970.

        Returns
        -------
        Verdict or None
            `worse` when this label shows that the model does not beat the heuristic, `better` when
            it shows that it does again; None otherwise.
        """
        self._arrive(times[0])
        losses = self._losses(scored, answer) if self.seen >= WARMUP else None
        self._learn(scored, times[1] if self.plan == "last" else None)
        if losses is None:
            return None
        own, plain = losses
        self.own = self.own * _KEEP_RECENT + own
        self.plain = self.plain * _KEEP_RECENT + plain
        self.compared = self.compared * _KEEP_RECENT + 1.0
        excess = _excess(scored, own, plain)
        worse = self.own > (1.0 - MARGIN) * self.plain
        if not self._bet(-excess if self.open else excess) or worse == bool(self.open):
            return None  # a burst of labels can win the bet while the faded losses disagree
        self.bets = [0.0] * len(STAKES)
        return "better" if self.open else "worse"

    def _bet(self, outcome: float) -> bool:
        """Update the log wealth, restarting at 0; return whether it exceeds `CERTAIN`."""
        self.bets = add_gains(self.bets, [math.log1p(stake * outcome) for stake in STAKES])
        if max(self.bets) < CERTAIN:  # the mean is at most the maximum
            return False
        return log_total(self.bets) - math.log(len(STAKES)) >= CERTAIN

    def _arrive(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            self.last = self.waiting.pop(0)[1]

    def _losses(self, scored: ScoredPrediction, answer: Answer) -> tuple[float, float] | None:
        """Return the losses of model and heuristic; None if the heuristic has no prediction."""
        wrong = scored.losses[0]
        if scored.task == "regression":
            guess = (
                self.mean if self.plan == "mean" else self.last if self.plan == "last" else answer
            )
            if not isinstance(guess, float):
                return None
            return wrong, _absolute_error(guess, scored.actual)
        if self.plan == "majority":
            if scored.chance is not None:
                return scored.losses[2], self._brier(scored)
            return wrong, float(
                max(self.classes, key=lambda name: self.classes[name]) != scored.actual
            )
        guess = self.last if self.plan == "last" else answer
        return None if guess is None else (wrong, float(guess != scored.actual))

    def _brier(self, scored: ScoredPrediction) -> float:
        """Return the Brier score of the class frequencies as a prediction."""
        right = self.classes.get(str(scored.actual), 0.0) / self.weight
        if scored.task == "binary":
            return (1.0 - right) ** 2
        squares = sum(weight * weight for weight in self.classes.values()) / self.weight**2
        return squares - right * right + (1.0 - right) ** 2

    def _learn(self, scored: ScoredPrediction, when: float | None) -> None:
        self.seen += 1
        if when is not None:
            self.waiting.append((when, scored.actual))
            if len(self.waiting) > MAX_WAITING:
                self.last = self.waiting.pop(0)[1]
            return
        self.weight = self.weight * _KEEP + 1.0
        if isinstance(scored.actual, float):
            self.mean += (scored.actual - self.mean) / self.weight
            return
        for name in self.classes:
            self.classes[name] *= _KEEP
        if scored.actual in self.classes or len(self.classes) < MAX_CLASSES:
            self.classes[scored.actual] = self.classes.get(scored.actual, 0.0) + 1.0


def baseline_kind(configured: Baseline | None, task: Task) -> BaselineKind | None:
    """Return the configured heuristic or the task's default; None if it does not fit the task."""
    if isinstance(configured, Rule):
        return "rule"
    fitting: BaselineKind = default_baseline(task)
    return configured if configured in (fitting, "last") else None if configured else fitting


def _excess(scored: ScoredPrediction, own: float, plain: float) -> float:
    """Return by how much the model is worse, margin included, from -1 to 1."""
    target = (1.0 - MARGIN) * plain
    if scored.task == "regression":  # unbounded losses: scale by their sum
        return (own - target) / (own + target) if own + target > 0.0 else 0.0
    return (own - target) / (2.0 if scored.task == "multiclass" else 1.0)


def _absolute_error(predicted: float, actual: str | float) -> float:
    return min(abs(predicted - float(actual)), MAX_NUMBER)


def measure_of(plan: BaselineKind | None, scored: ScoredPrediction) -> str:
    """Return the name of the loss that is compared."""
    if scored.task == "regression":
        return "mean absolute error"
    return "Brier score" if plan == "majority" and scored.chance is not None else "error rate"
