"""One version of a model: it answers, and it learns."""

import math
from typing import Any, NamedTuple

from streamproc.contract.model_spec import ModelSpec
from streamproc.errors import StreamprocError
from streamproc.models.build import build
from streamproc.models.inputs import Inputs


class ModelFailureError(StreamprocError):
    """A model raised, or answered with what is no number; the message says which and what.

    The version is not used any further; look at the features that it was given.
    """


class Answer(NamedTuple):
    """What a model says: a number or a class, and each class's probability."""

    prediction: Any
    probabilities: dict[Any, float] | None


class Contestant:
    """A River model with its version and what it has learned from.

    Parameters
    ----------
    spec
        What to build.
    version
        Its number within the model.

    Attributes
    ----------
    learned : int
        Labels that it has learned from.
    """

    def __init__(self, spec: ModelSpec, version: int) -> None:
        self.spec = spec
        self.version = version
        self.learned = 0
        self._classifies = spec.kind == "classifier"
        self._model = build(spec)

    def answer(self, x: Inputs) -> Answer:
        """Answer an event.

        Raises
        ------
        ModelFailureError
            When the model raises, or its answer is not finite.
        """
        try:
            if self._classifies:
                return self._class(self._model.predict_proba_one(dict(x)))
            number = float(self._model.predict_one(dict(x)))
        except Exception as error:
            raise ModelFailureError(f"version {self.version} cannot answer: {error!r}") from error
        if not math.isfinite(number):
            raise ModelFailureError(f"version {self.version} answers {number}")
        return Answer(number, None)

    def learn(self, x: Inputs, y: Any) -> None:
        """Learn a label.

        Raises
        ------
        ModelFailureError
            When the model raises.
        """
        try:
            self._model.learn_one(dict(x), y)
        except Exception as error:
            raise ModelFailureError(f"version {self.version} cannot learn: {error!r}") from error
        self.learned += 1

    def _class(self, probabilities: dict[Any, float]) -> Answer:
        if not probabilities:
            return Answer(None, {})
        if not all(math.isfinite(p) for p in probabilities.values()):
            raise ModelFailureError(f"version {self.version} answers {probabilities}")
        return Answer(max(probabilities, key=lambda key: probabilities[key]), probabilities)
