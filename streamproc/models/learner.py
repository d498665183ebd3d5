"""One online model of one part of the events: it answers, is judged, and learns."""

from dataclasses import dataclass, field
from typing import Any

from streamproc.contract.watch import ModelConfig
from streamproc.models.contestant import Answer, Contestant
from streamproc.models.inputs import Inputs, inputs, truth
from streamproc.models.observed import Observed


@dataclass(slots=True)
class Tally:
    """How often an answer was judged, and how much was lost by it."""

    n: int = 0
    lost: float = 0.0

    def add(self, loss: float) -> None:
        """Judge one more."""
        self.n += 1
        self.lost += loss

    @property
    def mean(self) -> float | None:
        """Mean loss; None of none."""
        return self.lost / self.n if self.n else None


@dataclass(slots=True)
class Life:
    """What the steps of an event lead to: a step of the model's life, to be published."""

    step: str
    version: int
    cause: str | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)


class Learner:
    """The online model of one model id and segment.

    Parameters
    ----------
    model_id, segment
        Whose it is.
    config
        Of the model; `online` is set.
    """

    def __init__(self, model_id: str, segment: dict[str, str] | None, config: ModelConfig) -> None:
        if config.online is None:
            msg = f"model {model_id!r} has no `online:`"
            raise ValueError(msg)
        self.model_id = model_id
        self.segment = segment
        self.config = config
        self.online = config.online
        self.task = task_of(config)
        self.champion = Contestant(self.online.model, 1)
        self.own, self.production = Tally(), Tally()
        self.skipped = 0
        self.told: float | None = None
        self._texts = self.online.model.texts

    def ask(self, event: Observed) -> Answer:
        """Answer an event with what is known now."""
        return self.champion.answer(self.inputs(event))

    def judge(self, event: Observed, answer: Answer | None) -> bool:
        """Test, then train; tell whether the label was one of this task."""
        label = truth(event.label, self.task)
        if label is None:
            self.skipped += 1
            return False
        x = self.inputs(event)
        if event.status == "labelled":
            if answer is None:
                answer = self.champion.answer(x)
            if answer.prediction is not None:
                self.own.add(self._loss(label, answer.prediction))
            said = self._production(event.prediction)
            if said is not None:
                self.production.add(self._loss(label, said))
        self.champion.learn(x, label)
        return True

    def inputs(self, event: Observed) -> Inputs:
        """Give the features as the model takes them."""
        return inputs(event.features, texts=self._texts)

    def metrics(self) -> dict[str, float | None]:
        """Give the prequential metrics, beside those of production."""
        if self.task == "regression":
            return {"mae": self.own.mean, "production_mae": self.production.mean}
        return {
            "accuracy": _rest(self.own.mean),
            "production_accuracy": _rest(self.production.mean),
        }

    def _loss(self, label: Any, said: Any) -> float:
        return abs(said - label) if self.task == "regression" else float(said != label)

    def _production(self, said: Any) -> Any:
        if isinstance(said, dict):
            said = max(said, key=lambda key: said[key])
        if self.task == "binary" and isinstance(said, float):
            return said >= 0.5
        return truth(said, self.task)


def task_of(config: ModelConfig) -> str:
    """Tell what a model answers: as configured, or as its class does."""
    online = config.online
    if online is None or online.model.kind == "regressor":
        return "regression"
    return "binary" if online.model.binary or config.task == "binary" else "multiclass"


def _rest(share: float | None) -> float | None:
    return None if share is None else 1 - share
