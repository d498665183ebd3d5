"""A plain heuristic beside a production model, and the test of whether the model beats it.

Both are compared label by label. The comparison is a bet against "the model is better than the
heuristic by a twentieth of its loss": it wins where the model is worse, and starts again from
nothing whenever it has lost everything. With `CERTAIN` to 1 it alarms about a model that is better
once in a million labels at most, whatever the losses look like (an e-detector; Shin, Ramdas,
Rinaldo, "E-detectors", 2024).
"""

import math
from typing import Final, Literal

import msgspec

from streamproc.config.baseline import Floor as FloorConfig
from streamproc.config.baseline import Heuristic, Rule
from streamproc.config.model import Task
from streamproc.performance.losses import MAX_NUMBER, ScoredPrediction

BaselineKind = Heuristic | Literal["rule"]
Answer = str | float | None
Verdict = Literal["worse", "better"]

MARGIN: Final = 0.05
"""A model has to be better than its floor by this share of the floor's loss: one that does nothing
but repeat the heuristic does not beat it."""
CERTAIN: Final = math.log(1e6)
"""Log of what a bet has to win before it is believed."""
STAKES: Final = (0.05, 0.15, 0.4, 0.8)
HALF_LIFE: Final = 500.0
"""Labels after which one counts half in what the heuristic knows."""
RECENT: Final = 200.0
"""The same of the losses that are told."""
# A heuristic, too, has to have seen something.
WARMUP: Final = 200
# Labels that came after an event was answered wait until an event is later than they are.
MAX_WAITING: Final = 4096
MAX_CLASSES: Final = 50
_KEEP: Final = 0.5 ** (1.0 / HALF_LIFE)
_KEEP_RECENT: Final = 0.5 ** (1.0 / RECENT)


class BaselineTest(msgspec.Struct):
    """A heuristic and the bets on it, of one version of a model.

    Attributes
    ----------
    plan
        The heuristic.
    seen
        Labels.
    weight
        Faded number of labels.
    classes
        Faded number of labels by class.
    mean, last
        Faded mean of the labels of a regression; the last label known when an event was answered.
    waiting
        Labels that are later than the last event, with their times.
    own, plain
        Faded sums of the losses of the model and of the heuristic.
    compared
        Faded number of labels in them.
    bets
        Log of what each stake has won: betting that the model is no better or, while that is
        known, that it is.
    open
        Id of the incident while the model is known not to beat it; empty: it is not.
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
        self, judged: ScoredPrediction, answer: Answer, times: tuple[float, float]
    ) -> Verdict | None:
        """Take the next label: compare, then learn it.

        Parameters
        ----------
        judged
            The prediction beside the label.
        answer
            What the rule says, if the heuristic is one.
        times
            Event time of the event, and of its label.

        Returns
        -------
        Verdict or None
            `worse` when the model has just been found not to beat it, `better` when it does again.
        """
        self._arrive(times[0])
        losses = self._losses(judged, answer) if self.seen >= WARMUP else None
        self._learn(judged, times[1] if self.plan == "last" else None)
        if losses is None:
            return None
        own, plain = losses
        self.own = self.own * _KEEP_RECENT + own
        self.plain = self.plain * _KEEP_RECENT + plain
        self.compared = self.compared * _KEEP_RECENT + 1.0
        excess = _excess(judged, own, plain)
        worse = self.own > (1.0 - MARGIN) * self.plain
        if not self._bet(-excess if self.open else excess) or worse == bool(self.open):
            return None  # a bet can be won on a burst of labels, against what the rest of them say
        self.bets = [0.0] * len(STAKES)
        return "better" if self.open else "worse"

    def _bet(self, outcome: float) -> bool:
        """Bet, starting anew where all is lost; return whether it has won enough."""
        self.bets = [
            max(won, 0.0) + math.log1p(stake * outcome)
            for won, stake in zip(self.bets, STAKES, strict=True)
        ]
        top = max(self.bets)
        if top < CERTAIN:  # a mean is not above the largest
            return False
        mean = top + math.log(sum(math.exp(won - top) for won in self.bets) / len(STAKES))
        return mean >= CERTAIN

    def _arrive(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            self.last = self.waiting.pop(0)[1]

    def _losses(self, judged: ScoredPrediction, answer: Answer) -> tuple[float, float] | None:
        """Return the loss of the model and of the heuristic; None when that has no answer."""
        wrong = judged.losses[0]
        if judged.task == "regression":
            guess = (
                self.mean if self.plan == "mean" else self.last if self.plan == "last" else answer
            )
            return None if not isinstance(guess, float) else (wrong, _apart(guess, judged.truth))
        if self.plan == "majority":
            if judged.chance is not None:
                return judged.losses[2], self._brier(judged)
            return wrong, float(
                max(self.classes, key=lambda name: self.classes[name]) != judged.truth
            )
        guess = self.last if self.plan == "last" else answer
        return None if guess is None else (wrong, float(guess != judged.truth))

    def _brier(self, judged: ScoredPrediction) -> float:
        """Score the shares of the classes as if they were a prediction."""
        right = self.classes.get(str(judged.truth), 0.0) / self.weight
        if judged.task == "binary":
            return (1.0 - right) ** 2
        squares = sum(weight * weight for weight in self.classes.values()) / self.weight**2
        return squares - right * right + (1.0 - right) ** 2

    def _learn(self, judged: ScoredPrediction, when: float | None) -> None:
        self.seen += 1
        if when is not None:
            self.waiting.append((when, judged.truth))
            if len(self.waiting) > MAX_WAITING:
                self.last = self.waiting.pop(0)[1]
            return
        self.weight = self.weight * _KEEP + 1.0
        if isinstance(judged.truth, float):
            self.mean += (judged.truth - self.mean) / self.weight
            return
        for name in self.classes:
            self.classes[name] *= _KEEP
        if judged.truth in self.classes or len(self.classes) < MAX_CLASSES:
            self.classes[judged.truth] = self.classes.get(judged.truth, 0.0) + 1.0


def baseline_kind(configured: FloorConfig | None, task: Task) -> BaselineKind | None:
    """Choose the heuristic: as configured, else what fits the task; None where it does not fit."""
    if isinstance(configured, Rule):
        return "rule"
    fitting: BaselineKind = "mean" if task == "regression" else "majority"
    return configured if configured in (fitting, "last") else None if configured else fitting


def _excess(judged: ScoredPrediction, own: float, plain: float) -> float:
    """Return by how much the model is worse, from -1 to 1, its margin included."""
    kept = (1.0 - MARGIN) * plain
    if judged.task == "regression":  # errors have no bound: which of the two is nearer
        return (own - kept) / (own + kept) if own + kept > 0.0 else 0.0
    return (own - kept) / (2.0 if judged.task == "multiclass" else 1.0)


def _apart(guess: float, truth: str | float) -> float:
    return min(abs(guess - float(truth)), MAX_NUMBER)


def measure_of(plan: BaselineKind | None, judged: ScoredPrediction) -> str:
    """Name what is compared."""
    if judged.task == "regression":
        return "mean absolute error"
    return "Brier score" if plan == "majority" and judged.chance is not None else "error rate"
