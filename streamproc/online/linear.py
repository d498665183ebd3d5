"""Run River's scaler and linear models in compiled kernels over arrays."""

import math
import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from streamproc.config.river_spec import ModelSpec
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.online import linear_kernel as kernel
from streamproc.online.event_run import LEARN, Failure, RunSegment

_KINDS: Final = {
    "linear_model.LogisticRegression": kernel.LOGISTIC,
    "linear_model.LinearRegression": kernel.LINEAR,
    "linear_model.SoftmaxRegression": kernel.SOFTMAX,
}
_TAKEN: Final = {"optimizer", "l2", "intercept_init", "intercept_lr", "clip_gradient"}
_DEFAULTS: Final = {"l2": 0.0, "intercept_init": 0.0, "intercept_lr": 0.01, "clip_gradient": 1e12}
SavedState = tuple[tuple[str, ...], int, int, Floats]
"""A saved state: columns, capacity for features and classes, arrays."""
MAX_FEATURES: Final = 10_000
"""Further feature names are not learned, so that generated names cannot fill the memory."""


def is_linear(spec: ModelSpec) -> bool:
    """Whether a model is one of those that the compiled loops know.

    A `StandardScaler` or none, then logistic, linear or softmax regression with plain SGD, a
    constant rate, L2, and River's own loss.

    Examples
    --------
    >>> is_linear(ModelSpec.model_validate("linear_model.LogisticRegression"))
    True
    >>> is_linear(ModelSpec.model_validate("naive_bayes.GaussianNB"))
    False
    """
    *before, last = [item for step in spec.steps for item in step.items()]
    if [name for name, _ in before] not in ([], ["preprocessing.StandardScaler"]):
        return False
    if before and before[0][1].get("window_size") is not None:
        return False
    name, params = last
    return name in _KINDS and params.keys() <= _TAKEN and _rate(params) is not None


def _rate(params: dict[str, Any]) -> float | None:
    """Give the constant rate of plain SGD; None for any other optimiser."""
    if isinstance(params.get("intercept_lr", 0.01), list):
        return None
    [(name, given)] = (
        params["optimizer"][0].items() if "optimizer" in params else [("optim.SGD", {})]
    )
    rate = given.get("lr", 0.01)
    return float(rate) if name == "optim.SGD" and not isinstance(rate, list) else None


class Linear:
    """A linear model whose answers are River's to 1e-9, at a hundredth of the time.

    Parameters
    ----------
    spec
        One for which `is_linear` holds.

    Attributes
    ----------
    columns
        The features, in the order in which they were met.
    softmax
        Whether it tells more than two classes apart.
    state
        All that was learned, as the compiled loops take it.
    """

    def __init__(self, spec: ModelSpec) -> None:
        *before, (name, params) = [item for step in spec.steps for item in step.items()]
        with_std = before[0][1].get("with_std", True) if before else True
        scaling = (kernel.SCALED if with_std else kernel.CENTRED) if before else kernel.NOT_SCALED
        given = {key: float(params.get(key, value)) for key, value in _DEFAULTS.items()}
        rate = _rate(params)
        assert rate is not None  # noqa: S101 - `is_linear` holds
        intercept = given["intercept_init"] if _KINDS[name] != kernel.SOFTMAX else 0.0
        numbers = [rate, given["l2"], given["intercept_lr"], given["clip_gradient"], intercept]
        self._kind = _KINDS[name], scaling
        self.softmax = self._kind[0] == kernel.SOFTMAX
        self.columns: tuple[str, ...] = ()
        self._become(np.array([*numbers, 0.0, 0.0]), 0, 1)

    def place(self, leg: RunSegment, xs: bytearray) -> None:
        """Append a leg's features as rows of numbers, NaN where one is missing; make room."""
        begin = len(xs)
        if not self._placed(leg, xs):
            del xs[begin:]
            self._place_slowly(leg, xs)
        self._fit(leg.run.classes)

    def _placed(self, leg: RunSegment, xs: bytearray) -> bool:
        """Whether every event had these features and no other, all numbers: rows as they are."""
        columns, pack = self.columns, self._pack
        try:
            for each in leg.run.features[leg.start : leg.stop]:
                if each is None or tuple(each) != columns:
                    return False
                xs += pack(*each.values())
        except struct.error:  # a text, a list or null among them
            return False
        return True

    def keep(self) -> SavedState:
        """Copy the learned state: far cheaper than encoding it with `written`."""
        return self.columns, self._features, self._classes, self.state.copy()

    def written(self, saved: SavedState | bytes) -> bytes:
        """Encode a saved state; encoded ones are returned as they are."""
        if isinstance(saved, bytes):
            return saved
        columns, features, most, state = saved
        numbers, moments, weights, known = _parts(state, features, most)
        # What the rest of a leg brings is not learned yet: equal histories give equal bytes.
        used = int(np.count_nonzero(moments[0]))
        known = known[: 1 + int(known[0])].astype(np.int64)
        classes = int(known[1:].max(initial=0)) + 1
        parts = numbers, moments[:, :used], weights[:classes, :used], known
        return msgspec.msgpack.encode(
            [columns[:used], [[list(part.shape), part.tobytes()] for part in parts]]
        )

    def dump(self) -> bytes:
        """Write what was learned."""
        return self.written(self.keep())

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        columns, parts = msgspec.msgpack.decode(data)
        kinds = np.float64, np.float64, np.float64, np.int64
        numbers, moments, weights, known = (
            np.frombuffer(raw, kind).reshape(shape)
            for (shape, raw), kind in zip(parts, kinds, strict=True)
        )
        self.columns = tuple(columns)
        self._become(numbers, moments.shape[1], len(weights))
        self._moments[:], self._weights[:], self._known[: len(known)] = moments, weights, known

    def parameters(self, classes: list[str]) -> list[dict[str, Any]]:
        """Give what was learned in the plain form that the docs describe."""
        steps = []
        if self._kind[1] != kernel.NOT_SCALED:
            mean = dict(zip(self.columns, self._moments[1].tolist(), strict=True))
            scale: dict[str, float] | None = None
            if self._kind[1] == kernel.SCALED:
                scale = dict(zip(self.columns, np.sqrt(self._moments[2]).tolist(), strict=True))
            steps.append({"form": "scaler", "mean": mean, "scale": scale})
        link = {kernel.LOGISTIC: "logit", kernel.LINEAR: "identity", kernel.SOFTMAX: "softmax"}
        rows = [dict(zip(self.columns, row.tolist(), strict=True)) for row in self._weights]
        linear: dict[str, Any] = {"form": "linear", "link": link[self._kind[0]]}
        if self.softmax:
            seen = self._known[1 : 1 + int(self._known[0])].astype(int).tolist()
            linear |= {"weights": {classes[k]: rows[k] for k in seen}}
            linear |= {"intercept": {classes[k]: 0.0 for k in seen}}
        else:
            linear |= {"weights": rows[0], "intercept": float(self._numbers[4])}
        return [*steps, linear]

    def _place_slowly(self, leg: RunSegment, xs: bytearray) -> None:
        """Do so with columns that grow with the features that are learned from."""
        every = leg.run.inputs(texts=False)[leg.start : leg.stop]
        columns = dict.fromkeys(self.columns, math.nan)
        if leg.mask & LEARN:
            for x, todo in zip(every, leg.run.todo[leg.start : leg.stop], strict=True):
                if todo & LEARN:
                    for name in x:
                        if len(columns) < MAX_FEATURES:
                            columns.setdefault(name, math.nan)
            self.columns = tuple(columns)
        for x in every:
            xs += struct.pack(f"{len(columns)}d", *[x.get(name, math.nan) for name in columns])

    def _fit(self, classes: int) -> None:
        """Make room for new features and classes."""
        features, most = len(self.columns), self._classes
        if self.softmax:
            most = max(classes, most)
        if features == self._features and most == self._classes:
            return
        moments, weights, known = self._moments, self._weights, self._known
        self._become(self._numbers, features, most)
        self._moments[:, : moments.shape[1]] = moments
        self._weights[: len(weights), : weights.shape[1]] = weights
        self._known[: len(known)] = known

    def _become(self, numbers: Floats, features: int, classes: int) -> None:
        """Lay out a state that has learned nothing yet; all of it is in one array."""
        self._features, self._classes = features, classes
        self._pack = struct.Struct(f"{features}d").pack
        head = kernel.NUMBERS + kernel.SHAPE
        self.state = np.zeros(head + (3 + classes) * features + 1 + classes)
        self.state[:head] = [*numbers, *self._kind, features, classes]
        self._numbers, self._moments, self._weights, self._known = _parts(
            self.state, features, classes
        )


def _parts(state: Floats, features: int, classes: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Give views of a state: its numbers, moments, weights and known classes."""
    head = kernel.NUMBERS + kernel.SHAPE
    moments, weights = head + 3 * features, head + (3 + classes) * features
    return (
        state[: kernel.NUMBERS],
        state[head:moments].reshape(3, features),
        state[moments:weights].reshape(classes, features),
        state[weights:],
    )


def run(
    legs: Sequence[RunSegment], models: Sequence[Linear], todo: Ints, ys: Floats, answers: Floats
) -> list[Failure | None]:
    """Let each model answer and learn the events of its leg, up to one that fails.

    Parameters
    ----------
    legs, models
        As many.
    todo, ys
        (events,): of all runs, as `Run.at` says.
    answers
        The numbers of all answers.
    """
    if not legs:
        return []
    xs, tasks = bytearray(), list[int]()
    for leg, model in zip(legs, models, strict=True):
        model.place(leg, xs)
        start, stride = leg.start, leg.stride
        at = leg.answers + start * stride
        tasks += (leg.run.at + start, leg.stop - start, leg.mask, at, stride, leg.width)
    alone = len(models) == 1  # as in small slices: learned in place
    states = models[0].state if alone else np.concatenate([model.state for model in models])
    stopped = np.empty(len(legs), np.int64)
    kernel.run(
        np.array(tasks, np.int64).reshape(-1, kernel.TASK),
        todo,
        np.frombuffer(xs) if xs else np.zeros(0),
        ys,
        states,
        answers,
        stopped,
    )
    begin = 0
    for model in () if alone else models:
        state = model.state
        end = begin + len(state)
        state[:] = states[begin:end]
        begin = end
    return [
        None if at == kernel.DONE else (leg.start + at, "its numbers overflow")
        for leg, at in zip(legs, stopped.tolist(), strict=True)
    ]
