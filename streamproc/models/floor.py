"""The heuristic that every model has to beat."""

from collections import deque
from typing import Any

import numpy as np

from detectors.bank import Floats
from streamproc.contract.floor import Floor, Rule
from streamproc.contract.online import Online
from streamproc.models.classes import Classes
from streamproc.models.run import ASK, LEARN, Run

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

    def __init__(self, kind: Floor, rule: tuple[float, float] = (0.0, 0.0)) -> None:
        self._kind, self._answers = kind, rule
        self._counts: dict[int, int] = {}
        self._recent: deque[float] = deque(maxlen=1 if kind == "last" else _MEMORY)

    def run(self, run: Run) -> Floats:
        """Answer and learn events as a contestant does, but with no probabilities."""
        answers = run.blank()
        answers[:, 1:] = np.nan
        for i, (todo, y) in enumerate(zip(run.todo.tolist(), run.ys.tolist(), strict=True)):
            if todo & ASK:
                answers[i, 0] = self._answer(run.features[i])
            if todo & LEARN:
                self._recent.append(y)
                if run.classes:
                    self._counts[int(y)] = self._counts.get(int(y), 0) + 1
        return answers

    def dump(self) -> Any:
        """Write what was learned."""
        return [list(self._counts.items()), list(self._recent)]

    def load(self, data: Any) -> None:
        """Take what `dump` wrote."""
        counts, recent = data
        self._counts = {key: value for key, value in counts}  # noqa: C416 - lists become keys
        self._recent.extend(recent)

    def _answer(self, features: dict[str, Any] | None) -> float:
        if isinstance(self._kind, Rule):
            value = (features or {}).get(self._kind.feature)
            above = isinstance(value, int | float) and value > self._kind.above
            return self._answers[0 if above else 1]
        if self._kind == "majority":
            return (
                float(max(self._counts, key=self._counts.__getitem__)) if self._counts else np.nan
            )
        return sum(self._recent) / len(self._recent) if self._recent else np.nan


def floor_of(online: Online, classes: Classes) -> Heuristic:
    """Make the floor that is configured, or else the usual one of the task."""
    kind = online.floor or ("mean" if classes.task == "regression" else "majority")
    if isinstance(kind, Rule):
        above, other = (classes.learn(label) for label in (kind.then, kind.otherwise))
        return Heuristic(
            kind, (np.nan if above is None else above, np.nan if other is None else other)
        )
    return Heuristic(kind)
