"""Run a River model unchanged, one event at a time."""

import importlib
import math
from typing import Any

from streamproc.config.river_classes import ALLOWED_CLASSES
from streamproc.config.river_spec import ModelSpec, Step
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.online import serialization
from streamproc.online.event_run import ASK, LEARN, Failure, RunSegment
from streamproc.online.linear import MAX_FEATURES
from streamproc.online.linear_kernel import FAR


class RiverModel:
    """A River model behind the interface of `Linear`.

    Parameters
    ----------
    spec
        What to build.
    binary
        Whether its classes are False and True; else they are the codes of classes.
    """

    def __init__(self, spec: ModelSpec, *, binary: bool) -> None:
        self.model = build(spec)
        self._texts = spec.texts
        self._regresses = spec.kind == "regressor"
        self._binary = binary
        self._largest = 0.0
        self._known: dict[str, None] = {}

    def run(self, leg: RunSegment, answers: Floats) -> Failure | None:
        """Answer and learn the events of a leg, up to one that fails."""
        inputs, ys = leg.run.inputs(texts=self._texts), leg.run.ys
        at = leg.answers + leg.start * leg.stride
        for i in range(leg.start, leg.stop):
            todo = leg.run.todo[i] & leg.mask
            try:
                if todo & ASK:
                    self._answer(inputs[i], answers[at : at + leg.width])
                if todo & LEARN:
                    self._learn(inputs[i], ys[i])
            except Exception as error:  # noqa: BLE001 - any failure is reported and undone
                return i, f"{type(error).__name__}: {error}"[:300]
            at += leg.stride
        return None

    def dump(self) -> bytes:
        """Return the learned state as bytes."""
        return serialization.dump([self.model, self._largest, list(self._known)])

    def keep(self) -> bytes:
        """Return a copy of the learned state."""
        return self.dump()

    def written(self, saved: bytes) -> bytes:
        """Return a saved copy as bytes."""
        return saved

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        self.model, self._largest, known = serialization.load(data)
        self._known = dict.fromkeys(known)

    def _answer(self, x: dict[str, Any], row: Floats) -> None:
        try:
            self._say(x, row)
        except ArithmeticError:
            # `MinMaxScaler` cannot scale a feature that it has not learned: this is not a failure.
            known = {name: value for name, value in x.items() if name in self._known}
            if len(known) == len(x):
                raise
            self._say(known, row)

    def _say(self, x: dict[str, Any], row: Floats) -> None:
        if self._regresses:
            number = float(self.model.predict_one(dict(x)))
            if not math.isfinite(number) or (self._largest and abs(number) > FAR * self._largest):
                msg = f"it predicts {number}"
                raise ArithmeticError(msg)
            row[0] = number
            return
        probabilities = self.model.predict_proba_one(dict(x))
        if not probabilities:
            return
        if not math.isfinite(math.fsum(probabilities.values())):
            msg = f"it predicts {probabilities}"
            raise ArithmeticError(msg)
        for code, share in probabilities.items():
            row[1 + int(code)] = share
        row[0] = int(max(probabilities, key=lambda code: probabilities[code]))

    def _learn(self, x: dict[str, Any], y: float) -> None:
        if len(self._known) < MAX_FEATURES:
            self._known.update(dict.fromkeys(x))
        if self._regresses:
            self._largest = max(self._largest, abs(y))
            self.model.learn_one(dict(x), y)
        else:
            self.model.learn_one(dict(x), bool(y) if self._binary else int(y))


def build(spec: ModelSpec) -> Any:
    """Make a new model: what the specification allows is all that is imported.

    Examples
    --------
    >>> type(build(ModelSpec.model_validate("naive_bayes.GaussianNB"))).__name__
    'GaussianNB'
    """
    return _pipeline(spec.steps)


def _pipeline(steps: list[Step]) -> Any:
    parts = [_instance(name, params) for step in steps for name, params in step.items()]
    if len(parts) == 1:
        return parts[0]
    return importlib.import_module("river.compose").Pipeline(*parts)


def _instance(name: str, params: dict[str, Any]) -> Any:
    schema = ALLOWED_CLASSES[name].params
    module, _, kind = name.rpartition(".")
    given = {
        key: _pipeline(value) if schema[key].roles and isinstance(value, list) else value
        for key, value in params.items()
    }
    return getattr(importlib.import_module(f"river.{module}"), kind)(**given)
