"""Run one version of a model, and restore its last good state after a failure."""

from typing import Any

import msgspec

from streamproc.config.river_spec import ModelSpec
from streamproc.online.event_run import Failure
from streamproc.online.linear import Linear, is_linear
from streamproc.online.river_model import RiverModel

MAX_FAILURES = 3
"""Failures after which a version stops learning."""
_FORGIVEN = 1024
"""Labels of a good state that resets the count of failures."""
_SELDOM = 4096
"""Labels between two good states that are kept, at most: twice as many, up to this, each time."""


class ModelVersion:
    """A version of a model.

    Parameters
    ----------
    spec
        What to build.
    version
        Its number within the model.
    binary
        Whether the classes are false and true.
    train_for
        Maximum number of labels that it learns.

    Attributes
    ----------
    learned : int
        Labels that it has learned from.
    strikes : int
        How often it failed.
    failures : list of (int, str)
        Where in the run at hand, and how.

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
        self.engine: Linear | RiverModel = (
            Linear(spec) if is_linear(spec) else RiverModel(spec, binary=binary)
        )
        self._train_for = train_for
        self._good: tuple[int, Any] = (0, self.engine.keep())

    @property
    def learns(self) -> bool:
        """Whether it learns from further labels."""
        full = self._train_for is not None and self.learned >= self._train_for
        return self.strikes < MAX_FAILURES and not full

    @property
    def labels_left(self) -> int:
        """Labels until the next saved state, or until `train_for` is reached."""
        learned = self.learned
        period = _period(learned)
        remaining = period - learned % period
        return remaining if self._train_for is None else min(remaining, self._train_for - learned)

    def learn(self, labels: int) -> None:
        """Count labels that were learned; keep a good state when it is time."""
        if not labels:
            return
        self.learned += labels
        if self.learned % _period(self.learned) == 0:
            self._good = (self.learned, self.engine.keep())
            if self.learned >= _FORGIVEN:
                self.strikes = 0

    def undo(self, failure: Failure) -> None:
        """Restore the last good state."""
        self.strikes += 1
        self.failures.append(failure)
        self.learned = self._good[0]
        self.engine.load(self.engine.written(self._good[1]))

    def skip(self, failure: Failure) -> None:
        """Take note of a failure to answer of one that does not learn."""
        if self.strikes < MAX_FAILURES:
            self.strikes += 1
            self.failures.append(failure)

    def dump(self) -> bytes:
        """Write all that there is to it."""
        good = self._good[0], self.engine.written(self._good[1])
        return msgspec.msgpack.encode(
            [self.version, self.learned, self.strikes, good, self.engine.dump()]
        )

    def load(self, data: bytes) -> None:
        """Take what `dump` wrote."""
        self.version, self.learned, self.strikes, good, engine = msgspec.msgpack.decode(data)
        self._good = (good[0], good[1])
        self.engine.load(engine)


def _period(learned: int) -> int:
    """Return the labels between two saved states after a number of labels."""
    return min(1 << max(learned, 1).bit_length() - 1, _SELDOM)
