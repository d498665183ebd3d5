"""A stretch of one model's events, as every contestant takes it."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.bank import Floats, Ints
from streamproc.models.inputs import Inputs, inputs

ASK, LEARN = 1, 2
"""What is to be done with an event: answered, learned from, or both, in this order."""


@dataclass(slots=True)
class Run:
    """Events in log order.

    Attributes
    ----------
    todo
        (events,): `ASK`, `LEARN`, or both.
    features
        Of each event, as it has them.
    ys
        (events,): the label to learn, or the code of its class; NaN where there is none.
    classes
        How many classes are known up to its end; 0 for a regression.
    """

    todo: Ints
    features: Sequence[dict[str, Any] | None]
    ys: Floats
    classes: int
    _inputs: dict[bool, list[Inputs]] = field(default_factory=dict)

    def inputs(self, *, texts: bool) -> list[Inputs]:
        """Give the features as River takes them; made once for all contestants."""
        if texts not in self._inputs:
            self._inputs[texts] = [inputs(each, texts=texts) for each in self.features]
        return self._inputs[texts]

    def blank(self) -> Floats:
        """(events, 1 + classes): no answer at all."""
        answers = np.zeros((len(self.features), 1 + self.classes))
        answers[:, 0] = np.nan
        return answers

    def rows(self, columns: tuple[str, ...]) -> Floats | None:
        """(events, columns): the numbers, when every event has these features and no other."""
        flat = array("d")
        try:
            for each in self.features:
                if each is None or tuple(each) != columns:
                    return None
                flat.extend(each.values())
        except TypeError:  # a text, a list or null among them
            return None
        return np.frombuffer(flat).reshape(len(self.features), len(columns))


NOTHING = Run(np.zeros(0, np.int64), (), np.zeros(0), 0)
"""No event at all."""

Failure = tuple[int, str]
"""The event at which a model failed, and how."""
