"""Baseline heuristics that an online model must beat.

They see what the model sees: predictions and labels in the order of the outcomes log, so the last
label learned is the last one known. The baseline of a production model
(`streamproc.performance.baseline`) reads labels that come late, fades them, and predicts class
probabilities. The two share their configuration (`streamproc.config.baseline`) and no arithmetic:
merging them would change the alerts and the stored state of one of them.
"""

import math
from array import array
from collections import deque
from typing import Any

from streamproc.config.baseline import Baseline, Rule, default_baseline
from streamproc.config.online import Online
from streamproc.online.classes import Classes
from streamproc.online.event_run import ASK, LEARN, EventRun

_MEMORY = 100
"""Labels of the rolling mean."""


class Heuristic:
    """Majority class, last label, rolling mean, or a rule.

    Parameters
    ----------
    kind
        Which.
    rule
        What the rule's two answers are as numbers or codes: (above, not above).
    """

    version = 0

    def __init__(self, kind: Baseline, rule: tuple[float, float] = (0.0, 0.0)) -> None:
        self._kind, self._answers = kind, rule
        self._counts: dict[float, int] = {}
        self._most = math.nan
        self._recent: deque[float] = deque(maxlen=1 if kind == "last" else _MEMORY)

    def run(self, run: EventRun, answers: "array[float]", at: int, stride: int) -> None:
        """Answer and learn events as a contestant does, but with no probabilities.

        Its answers begin at `at` and lie `stride` apart.
        """
        majority, recent, counts = self._kind == "majority", self._recent, self._counts
        for place, todo in enumerate(run.todo):
            if todo & ASK:
                answers[at] = self._most if majority else self._answer(run.features[place])
            if todo & LEARN:
                y = run.ys[place]
                recent.append(y)
                if run.classes:
                    counts[y] = count = counts.get(y, 0) + 1
                    if y != self._most and count >= counts.get(self._most, 0):
                        # Of equals, the one met first.
                        self._most = max(counts, key=counts.__getitem__)
            at += stride

    def dump(self) -> Any:
        """Write what was learned."""
        counts = [(int(code), count) for code, count in self._counts.items()]
        return [counts, list(self._recent)]

    def load(self, data: Any) -> None:
        """Take what `dump` wrote."""
        counts, recent = data
        self._counts = {float(code): count for code, count in counts}
        self._most = max(self._counts, key=self._counts.__getitem__, default=math.nan)
        self._recent.extend(recent)

    def _answer(self, features: dict[str, Any] | None) -> float:
        if isinstance(self._kind, Rule):
            return self._answers[0 if self._kind.applies(features) else 1]
        return sum(self._recent) / len(self._recent) if self._recent else math.nan


def baseline_of(online: Online, classes: Classes) -> Heuristic:
    """Return the configured baseline, or the default of the task."""
    kind = online.floor or default_baseline(classes.task)
    if isinstance(kind, Rule):
        above, other = (classes.learn(label) for label in (kind.then, kind.otherwise))
        return Heuristic(
            kind, (math.nan if above is None else above, math.nan if other is None else other)
        )
    return Heuristic(kind)
