"""Hold a run of one model's events and the segments in which its versions process it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from streamproc.online.features import Inputs, inputs

ASK, LEARN = 1, 2
"""What is to be done with an event: answered, learned from, or both, in this order."""

Failure = tuple[int, str]
"""The event at which a model failed, and how."""


class EventRun(Struct, gc=False):
    """Events in log order.

    Attributes
    ----------
    todo
        Of each event: `ASK`, `LEARN`, both, or 0.
    features
        Of each event, as it has them.
    ys
        Of each event: the label to learn, or the code of its class; NaN where there is none.
    learnings
        Places of the events that are learned from.
    classes
        How many classes are known at its end; 0 for a regression.
    at
        Place of its first event among those that are taken together.
    """

    todo: list[int]
    features: Sequence[dict[str, Any] | None]
    ys: list[float]
    learnings: list[int]
    classes: int
    at: int = 0
    _inputs: dict[bool, list[Inputs]] | None = None

    def inputs(self, *, texts: bool) -> list[Inputs]:
        """Give the features as River takes them; made once for all contestants."""
        if self._inputs is None:
            self._inputs = {}
        if texts not in self._inputs:
            self._inputs[texts] = [inputs(each, texts=texts) for each in self.features]
        return self._inputs[texts]


class RunSegment(Struct, gc=False):
    """A part of a run that a model takes without a break.

    Attributes
    ----------
    run
        The events.
    answers, stride, width
        Where its answer to the run's first event lies among the numbers of all answers, how far
        it is from there to the next one's, and how long each is: number or class, probabilities.
    start, stop
        The events that it takes.
    mask
        `ASK`, if it is not to learn.
    """

    run: EventRun
    answers: int
    stride: int
    width: int
    start: int = 0
    stop: int = 0
    mask: int = ASK | LEARN
