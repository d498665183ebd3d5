"""Number the classes of a model, and score predictions of the production model."""

import math
from typing import Any, Final

from streamproc.online.features import truth
from streamproc.performance.losses import MismatchError, score
from streamproc.schemas.class_names import class_key, class_name
from streamproc.schemas.series import Task

MAX_CLASSES: Final = 1000
"""Labels of further classes are not learned: a continuous value is not a class."""
NOT_SCORED: Final = (math.nan, math.nan, math.nan)
"""Losses of a missing prediction."""
_BOOLEAN: Final = {"0", "1"}


class Classes:
    """Numbers for classes; a regression has none.

    Parameters
    ----------
    task
        ``binary`` (false is 0, true 1), ``multiclass`` or ``regression``.

    positive
        Label of the positive class of a binary task; None: true or 1.
    inferred
        Whether the configuration names no task, so that production's is inferred from its values.

    Attributes
    ----------
    names, texts : list
        The classes, and how probabilities name them.
    """

    def __init__(self, task: Task, positive: str | None = None, *, inferred: bool = False) -> None:
        self.task = task
        self._of_production = None if inferred and task == "multiclass" else task
        self._positive = positive
        self._usual: type = {"binary": bool, "multiclass": str, "regression": float}[task]
        self.names: list[Any] = [False, True] if task == "binary" else []
        self.texts = [class_name(name) for name in self.names]
        self._codes: dict[Any, int] = {name: code for code, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def learn(self, label: Any) -> float | None:
        """Return the code of a label, registering new classes; None if it does not fit."""
        # Fast path for labels of the usual type.
        if isinstance(label, self._usual):
            if isinstance(label, float):
                return label
            code = self._codes.get(label)
            if code is not None:
                return float(code)
        value = truth(label, self.task, self._positive)
        if value is None:
            return None
        if self.task == "regression":
            return float(value)
        if value not in self._codes:
            if len(self.names) >= MAX_CLASSES:
                return None
            self._add(label if isinstance(label, bool | str) else value)
        code = self._codes[value]
        if isinstance(label, str) and len(self._codes) < 2 * MAX_CLASSES:
            self._codes.setdefault(label, code)
        return float(code)

    def restore(self, names: list[Any]) -> None:
        """Restore the codes of saved classes."""
        for name in names[len(self.names) :]:
            self._add(name)

    def _add(self, name: Any) -> None:
        code = len(self.names)
        self._codes.setdefault(truth(name, self.task), code)
        self._codes.setdefault(name, code)
        self.names.append(name)
        self.texts.append(class_name(name))

    @property
    def metrics_task(self) -> Task:
        """Task by which metrics are computed: as production's, inferred where it is not given."""
        if self._of_production is None and {class_key(name) for name in self.names} <= _BOOLEAN:
            return "binary"
        return self.task

    def score(self, prediction: Any, label: Any) -> tuple[float, float, float]:
        """Score a prediction of the production model as its series do.

        Returns
        -------
        tuple of float
            Error, log loss and Brier score summed over the classes; for a regression absolute and
            squared error. NaN where they are undefined, or if prediction and label do not fit.
        """
        try:
            scored = score(self._of_production, prediction, label, positive=self._positive)
            if scored.task == "regression" != self.task:
                scored = score(self.task, prediction, label, positive=self._positive)
        except MismatchError:
            return NOT_SCORED
        losses = scored.losses
        if len(losses) == 3:
            error, log_loss, brier = losses
            return error, log_loss, 2.0 * brier if scored.task == "binary" else brier
        return losses[0], losses[1] if len(losses) > 1 else math.nan, math.nan
