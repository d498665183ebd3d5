"""One version of a model: it answers, it learns, and what breaks it is undone."""

from typing import Any, Protocol

import msgspec
import numpy as np

from detectors.bank import Floats
from streamproc.contract.model_spec import ModelSpec
from streamproc.models.linear import Linear, is_linear
from streamproc.models.river_model import RiverModel
from streamproc.models.run import ASK, LEARN, Failure, Run

STRIKES = 3
"""Failures after which a version learns no more."""
_FORGIVEN = 1024
"""Labels of a good state that makes earlier failures be forgotten."""
_SELDOM = 4096
"""Labels between two good states that are kept, at most: twice as many, up to this, each time."""


class Engine(Protocol):
    """What does the arithmetic."""

    def run(self, run: Run, answers: Floats, start: int, stop: int) -> Failure | None:
        """Answer and learn events, up to one that fails."""
        ...

    def dump(self) -> bytes:
        """Write what was learned."""
        ...

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        ...


class Contestant:
    """A version of a model.

    Parameters
    ----------
    spec
        What to build.
    version
        Its number within the model.
    binary
        Whether it tells false from true.
    train_for
        Labels that it learns from at most.

    Attributes
    ----------
    learned : int
        Labels that it has learned from.
    strikes : int
        How often it failed.
    failures : list of (int, str)
        Where in the last run, and how.

    Notes
    -----
    A model that raises, answers with no finite number, or with one a million times beyond any
    label, is put back to its last good state, which answers in its place; the event is not
    learned. Good states are kept after 1, 2, 4, … labels, and every 4,096 from then on. After
    three failures before a good state of 1,024 labels it does not learn any more.
    """

    def __init__(
        self, spec: ModelSpec, version: int, *, binary: bool, train_for: int | None
    ) -> None:
        self.spec = spec
        self.version = version
        self.learned = 0
        self.strikes = 0
        self.failures: list[Failure] = []
        self.engine: Engine = Linear(spec) if is_linear(spec) else RiverModel(spec, binary=binary)
        self._train_for = train_for
        self._good = (0, self.engine.dump())

    @property
    def learns(self) -> bool:
        """Whether it learns from further labels."""
        full = self._train_for is not None and self.learned >= self._train_for
        return self.strikes < STRIKES and not full

    def run(self, run: Run) -> Floats:
        """Answer and learn events; (events, 1 + classes), NaN where there is no answer."""
        answers = run.blank()
        self.failures = []
        whole = run.todo
        learnings = np.flatnonzero(whole & LEARN)
        start = 0
        while start < len(whole):
            start = self._stretch(run, answers, start, learnings)
        run.todo = whole
        return answers

    def _stretch(self, run: Run, answers: Floats, start: int, learnings: Any) -> int:
        """Go on to the next good state that is kept, a failure, or the end."""
        stop, ahead = len(run.todo), learnings[np.searchsorted(learnings, start) :]
        if not self.learns:
            todo = run.todo
            run.todo = todo & ASK
            failure = self.engine.run(run, answers, start, stop)
            run.todo = todo
            return stop if failure is None else self._skip(failure)
        room = min(self._until_kept(), self._until_full())
        if len(ahead) >= room:
            stop = int(ahead[room - 1]) + 1
        failure = self.engine.run(run, answers, start, stop)
        if failure is not None:
            return self._undo(run, answers, failure)
        self.learned += int(np.searchsorted(ahead, stop))
        if self._until_kept() == _period(self.learned):
            self._good = (self.learned, self.engine.dump())
            if self.learned >= _FORGIVEN:
                self.strikes = 0
        return stop

    def _undo(self, run: Run, answers: Floats, failure: Failure) -> int:
        at = failure[0]
        self.strikes += 1
        self.failures.append(failure)
        self.learned = self._good[0]
        self.engine.load(self._good[1])
        answers[at] = 0.0
        answers[at, 0] = np.nan
        if run.todo[at] & ASK:
            todo = run.todo
            run.todo = todo & ASK
            self.engine.run(run, answers, at, at + 1)
            run.todo = todo
        return at + 1

    def _skip(self, failure: Failure) -> int:
        if self.strikes < STRIKES:
            self.strikes += 1
            self.failures.append(failure)
        return failure[0] + 1

    def _until_kept(self) -> int:
        return _period(self.learned) - self.learned % _period(self.learned)

    def _until_full(self) -> int:
        return 2**62 if self._train_for is None else self._train_for - self.learned

    def dump(self) -> bytes:
        """Write all that there is to it."""
        return msgspec.msgpack.encode(
            [self.version, self.learned, self.strikes, self._good, self.engine.dump()]
        )

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        self.version, self.learned, self.strikes, good, engine = msgspec.msgpack.decode(data)
        self._good = (good[0], good[1])
        self.engine.load(engine)


def _period(learned: int) -> int:
    """Give the labels from one kept state to the next, around a number of labels."""
    return min(1 << max(learned, 1).bit_length() - 1, _SELDOM)
