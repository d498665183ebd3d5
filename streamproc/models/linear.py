"""River's scaler and linear models, in compiled loops over arrays."""

from typing import Any, Final

import msgspec
import numpy as np

from detectors.bank import Floats
from streamproc.contract.model_spec import ModelSpec
from streamproc.models import linear_kernel as kernel
from streamproc.models.run import LEARN, NOTHING, Failure, Run

_KINDS: Final = {
    "linear_model.LogisticRegression": kernel.LOGISTIC,
    "linear_model.LinearRegression": kernel.LINEAR,
    "linear_model.SoftmaxRegression": kernel.SOFTMAX,
}
_TAKEN: Final = {"optimizer", "l2", "intercept_init", "intercept_lr", "clip_gradient"}
_DEFAULTS: Final = {"l2": 0.0, "intercept_init": 0.0, "intercept_lr": 0.01, "clip_gradient": 1e12}
MOST_FEATURES: Final = 10_000
"""Names beyond are not learned from: one who makes up names must not fill the memory."""


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
    """

    def __init__(self, spec: ModelSpec) -> None:
        *before, (name, params) = [item for step in spec.steps for item in step.items()]
        with_std = before[0][1].get("with_std", True) if before else True
        scaling = (kernel.SCALED if with_std else kernel.CENTRED) if before else kernel.NOT_SCALED
        self.columns: tuple[str, ...] = ()
        self._kind = np.array([_KINDS[name], scaling])
        given = {key: float(params.get(key, value)) for key, value in _DEFAULTS.items()}
        rate = _rate(params)
        assert rate is not None  # noqa: S101 - `is_linear` holds
        self._numbers = np.array(
            [
                rate,
                given["l2"],
                given["intercept_lr"],
                given["clip_gradient"],
                given["intercept_init"] if _KINDS[name] != kernel.SOFTMAX else 0.0,
                0.0,
                0.0,
            ]
        )
        self._moments = np.zeros((3, 0))
        self._weights = np.zeros((1, 0))
        self._known = np.zeros(2, np.int64)
        self._rows, self._rows_of = np.zeros((0, 0)), NOTHING

    def run(self, run: Run, answers: Floats, start: int, stop: int) -> Failure | None:
        """Answer and learn the events from `start` up to `stop`, or up to one that fails."""
        if self._rows_of is not run:
            rows = run.rows(self.columns)
            self._rows, self._rows_of = self._slow_rows(run) if rows is None else rows, run
        at = self._run(run, answers, start, stop)
        return None if at == kernel.DONE else (at, "its numbers overflow")

    def _run(self, run: Run, answers: Floats, start: int, stop: int) -> int:
        self._fit(max(1, run.classes) if self.softmax else 1)
        return kernel.run(
            run.todo,
            self._rows,
            run.ys,
            self._kind,
            self._numbers,
            self._moments,
            self._weights,
            self._known,
            answers,
            start,
            stop,
        )

    @property
    def softmax(self) -> bool:
        """Whether it tells more than two classes apart."""
        return bool(self._kind[0] == kernel.SOFTMAX)

    def dump(self) -> bytes:
        """Write what was learned."""
        # What the rest of a run brings is not learned yet: equal histories give equal bytes.
        used = int(np.count_nonzero(self._moments[0]))
        known = self._known[: 1 + self._known[0]]
        classes = int(known[1:].max(initial=0)) + 1
        parts = self._numbers, self._moments[:, :used], self._weights[:classes, :used], known
        return msgspec.msgpack.encode(
            [self.columns[:used], [[list(part.shape), part.tobytes()] for part in parts]]
        )

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        self._rows_of = NOTHING
        columns, parts = msgspec.msgpack.decode(data)
        self.columns = tuple(columns)
        kinds = np.float64, np.float64, np.float64, np.int64
        self._numbers, self._moments, self._weights, self._known = (
            np.frombuffer(raw, kind).reshape(shape).copy()
            for (shape, raw), kind in zip(parts, kinds, strict=True)
        )

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
        linear: dict[str, Any] = {"form": "linear", "link": link[int(self._kind[0])]}
        if self.softmax:
            seen = self._known[1 : 1 + self._known[0]].tolist()
            linear |= {"weights": {classes[k]: rows[k] for k in seen}}
            linear |= {"intercept": {classes[k]: 0.0 for k in seen}}
        else:
            linear |= {"weights": rows[0], "intercept": float(self._numbers[4])}
        return [*steps, linear]

    def _slow_rows(self, run: Run) -> Floats:
        """Fill a matrix whose columns grow with the features that are learned from."""
        every = run.inputs(texts=False)
        known = {name: place for place, name in enumerate(self.columns)}
        for row in np.flatnonzero(run.todo & LEARN).tolist():
            for name in every[row]:
                if len(known) < MOST_FEATURES:
                    known.setdefault(name, len(known))
        self.columns = tuple(known)
        xs = np.full((len(every), len(known)), np.nan)
        for row, x in enumerate(every):
            for name, value in x.items():
                if name in known:
                    xs[row, known[name]] = value
        return xs

    def _fit(self, classes: int) -> None:
        """Make room for new features and classes."""
        features = len(self.columns)
        more = features - self._moments.shape[1]
        if more:
            self._moments = np.pad(self._moments, ((0, 0), (0, more)))
            self._weights = np.pad(self._weights, ((0, 0), (0, more)))
        if classes > len(self._weights):
            self._weights = np.pad(self._weights, ((0, classes - len(self._weights)), (0, 0)))
        if 1 + classes > len(self._known):
            self._known = np.pad(self._known, (0, 1 + classes - len(self._known)))
