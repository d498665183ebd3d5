"""Run model versions through their events, all of them one segment at a time."""

from bisect import bisect_left
from collections.abc import Sequence
from math import nan

from msgspec import field

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.online import linear
from streamproc.online.event_run import ASK, LEARN, Failure, RunSegment
from streamproc.online.model_version import ModelVersion


class VersionRunner(RunSegment, gc=False, kw_only=True):
    """A contestant's way through a run.

    Attributes
    ----------
    who
        The contestant.
    again
        Whether the leg is an event at which it failed, to be answered by its good state.
    legs
        Those that were begun: first event, labels that it had learned from, and whether it learns.
    """

    who: ModelVersion
    again: bool = False
    legs: list[tuple[int, int, bool]] = field(default_factory=list)

    def aim(self) -> bool:
        """Set the next leg: up to a good state that is kept, or the end; False: it is there."""
        todo = self.run.todo
        self.stop = len(todo)
        if self.start == self.stop:
            return False
        self.mask = ASK | LEARN
        if self.again:
            self.mask, self.stop = ASK, self.start + 1
        elif not self.who.learns:
            self.mask = ASK
        elif learnings := self.run.learnings:
            last = bisect_left(learnings, self.start) + self.who.labels_left - 1
            if last < len(learnings):
                self.stop = learnings[last] + 1
        self.legs.append((self.start, self.who.learned, self.mask != ASK))
        return True

    def land(self, failure: Failure | None, answers: Floats) -> None:
        """Go on behind the leg, or behind the event at which it failed."""
        if self.again:
            self.start, self.again = self.stop, False
        elif self.mask == ASK:
            if failure is not None:
                self.who.skip(failure)
            self.start = self.stop if failure is None else failure[0] + 1
        elif failure is None:
            self.who.learn(self._learned())
            self.start = self.stop
        else:
            at = failure[0]
            self.who.undo(failure)
            row = answers[self.answers + at * self.stride :][: self.width]
            row[:] = 0.0
            row[0] = nan
            self.again = bool(self.run.todo[at] & ASK)
            self.start = at if self.again else at + 1

    def _learned(self) -> int:
        learnings = self.run.learnings
        return bisect_left(learnings, self.stop) - bisect_left(learnings, self.start)


def take(lines: Sequence[VersionRunner], todo: Ints, ys: Floats, answers: Floats) -> None:
    """Let everybody answer and learn.

    Parameters
    ----------
    lines
        At the start of their runs.
    todo, ys
        (events,): of all runs, as `Run.at` says.
    answers
        The numbers of all answers; those of what is asked are written.
    """
    left = [line for line in lines if line.aim()]
    while left:
        compiled, models = list[VersionRunner](), list[linear.Linear]()
        for line in left:
            engine = line.who.engine
            if isinstance(engine, linear.Linear):
                compiled.append(line)
                models.append(engine)
            else:
                line.land(engine.run(line, answers), answers)
        failures = linear.run(compiled, models, todo, ys, answers)
        for line, failure in zip(compiled, failures, strict=True):
            line.land(failure, answers)
        left = [line for line in left if line.aim()]
