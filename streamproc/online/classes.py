"""Number the classes of a model, and encode predictions as rows of numbers."""

import math
from typing import Any, Final

from streamproc.online.features import class_text, truth

MAX_CLASSES: Final = 1000
"""Labels of further classes are not learned: a continuous value is not a class."""


class Classes:
    """Numbers for classes; a regression has none.

    Parameters
    ----------
    task
        ``binary`` (false is 0, true 1), ``multiclass`` or ``regression``.

    positive
        Label of the positive class of a binary task; None: true or 1.

    Attributes
    ----------
    names, texts : list
        The classes, and how probabilities name them.
    """

    def __init__(self, task: str, positive: str | None = None) -> None:
        self.task = task
        self._positive = positive
        self._usual: type = {"binary": bool, "multiclass": str, "regression": float}[task]
        self.names: list[Any] = [False, True] if task == "binary" else []
        self.texts = [class_text(name) for name in self.names]
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
        self.texts.append(class_text(name))

    def production_row(self, prediction: Any) -> list[float]:
        """Encode a production prediction as a row: (1 + classes,), NaN where it is missing."""
        row = [math.nan] * (1 + len(self.names))
        if isinstance(prediction, dict):
            row[1:] = [0.0] * len(self.names)
            for name, share in prediction.items():
                code = self._code(name)
                if code >= 0:
                    row[1 + code] = share
            row[0] = self._code(max(prediction, key=lambda name: prediction[name]))
        elif self.task == "binary" and isinstance(prediction, float):
            row[0] = float(prediction >= 0.5)
            if 0 <= prediction <= 1:
                row[1:] = 1 - prediction, prediction
        elif prediction is not None:
            value = truth(prediction, self.task)
            if value is not None:
                row[0] = value if self.task == "regression" else self._codes.get(value, -1)
        return row

    def _code(self, name: str) -> int:
        return self._codes.get(truth(name, self.task), -1)
