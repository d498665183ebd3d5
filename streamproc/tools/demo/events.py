"""Generate the scenario: a seeded log of events with known incidents."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamproc.schemas.model_updates import Step
from streamproc.tools.demo.generators import Values
from streamproc.tools.demo.labels import Labels, labels
from streamproc.tools.demo.models import MODELS, PREDICTION, ModelSpec

START: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
SEED: Final = 1
ERROR: Final = "error"
# Of a period: two events of a model are never at the same millisecond.
_JITTER: Final = 0.9


@dataclass(frozen=True)
class Incident:
    """A known change, and the maximum delay until its alert.

    Parameters
    ----------
    title
        What it is, in words.
    model_id, series
        Which series should tell.
    begins
        Index of the first event of the model that differs.
    began_at
        Event time of that event.
    within
        Maximum detection delay in events of the model, including the first changed one.
    """

    title: str
    model_id: str
    series: str
    begins: int
    began_at: datetime
    within: int


@dataclass(frozen=True)
class ExpectedStep:
    """A step that the model which learns should take.

    Parameters
    ----------
    title
        Why, in words.
    step
        What it should tell.
    during
        The events that give reason to: the version before is judged by them.
    later
        The events after them: so is the version that answers then.
    """

    title: str
    step: Step
    during: range
    later: range


class DemoEvent(NamedTuple):
    """An event or a label as a program publishes it.

    `ts` is when, `row` which of its model's events it is about, `shown` the number that is drawn.
    """

    event: Mapping[str, Any]
    ts: float
    row: int
    shown: float | None = None

    @property
    def is_label(self) -> bool:
        """Whether it says what is true of an event."""
        return "label" in self.event


class Scenario:
    """The complete scenario, with the same events in each run.

    Parameters
    ----------
    events
        How many, of all models together; `streamproc.tools.demo.MIN_EVENTS` or more.
    seed
        Another one gives other values, with the same incidents in the same places.

    Attributes
    ----------
    incidents : tuple of Incident
        In the order in which they begin.
    history : int
        How many events come before `START`, when most models begin.
    learner : str
        The model that has labels.
    labels : Labels
        Those of its events.
    late : timedelta
        Event time from an event to its label.
    lessons : tuple of Lesson
        What it should do, in this order.

    Examples
    --------
    >>> story = Scenario(10_000)
    >>> [incident.series for incident in story.incidents][:3]
    ['prediction', 'error', 'feature:income']
    >>> sum(1 for event in story.tell() if not event.is_label)
    10000
    """

    def __init__(self, events: int, seed: int = SEED) -> None:
        self.events = events
        self.seed = seed
        drawn = [_times(actor, _draw(seed, actor.id, "ts"), events) for actor in MODELS]
        who = np.repeat(np.arange(len(MODELS)), [len(times) for times in drawn])
        order = np.argsort(np.concatenate(drawn), kind="stable")[:events]
        self._order: NDArray[np.int64] = who[order]
        counts = np.bincount(self._order, minlength=len(MODELS))
        self._times = {
            actor.id: times[:count]
            for actor, times, count in zip(MODELS, drawn, counts.tolist(), strict=True)
        }
        learner, truth = next((each, each.truth) for each in MODELS if each.truth is not None)
        self.learner = learner.id
        columns = {name: self._column(learner, name) for name in learner.features}
        self.labels = labels(truth, columns, _draw(seed, learner.id, "label"))
        self.history = sum(bisect_left(self._times[actor.id], 0) for actor in MODELS)
        self.late = timedelta(seconds=self.labels.delay * learner.period)
        self.lessons = self._lessons(self.labels)
        self.incidents = tuple(sorted(self._incidents(), key=lambda incident: incident.began_at))

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """Who is in it."""
        return MODELS

    def tell(self) -> Iterator[DemoEvent]:
        """Give the events in the order of their times, and each label after a later event."""
        lines = [self._lines(actor) for actor in MODELS]
        known = self._known()
        for actor in self._order.tolist():
            demo_event = next(lines[actor])
            yield demo_event
            if demo_event.event["model_id"] == self.learner and demo_event.row >= self.labels.delay:
                yield from next(known)
        for labelled in known:
            yield from labelled

    def index(self, model_id: str, ts: datetime) -> int:
        """Count the events of a model before a moment: the index of the event at it."""
        millis = round((ts - START) / timedelta(milliseconds=1))
        return bisect_left(self._times[model_id], millis)

    def count(self, model_id: str) -> int:
        """Give the number of a model's events."""
        return len(self._times[model_id])

    def time(self, model_id: str, index: int) -> datetime:
        """Give the event time of a model's event."""
        return START + timedelta(milliseconds=int(self._times[model_id][index]))

    def _incidents(self) -> Iterator[Incident]:
        for actor in MODELS:
            if actor.twist is not None:
                twist, begins = actor.twist, self._begins(actor)
                within = max(twist.within, round(twist.within_share * self.count(actor.id)))
                yield self._incident(actor, twist.title, twist.series, begins, within)
            if actor.truth is not None:
                truth, begins = actor.truth, self.labels.begins
                yield self._incident(actor, truth.title, ERROR, begins, truth.within)

    def _incident(
        self, actor: ModelSpec, title: str, series: str, begins: int, within: int
    ) -> Incident:
        return Incident(title, actor.id, series, begins, self.time(actor.id, begins), within)

    def _lessons(self, labels: Labels) -> tuple[ExpectedStep, ...]:
        pattern = range(labels.begins, labels.turned.start)
        after = range(labels.turned.stop, len(labels.came))
        return (
            ExpectedStep(
                "a challenger that has learned the new pattern is promoted",
                "promoted",
                pattern,
                pattern,
            ),
            ExpectedStep(
                "labels come the wrong way round; one that believes them is promoted",
                "promoted",
                labels.turned,
                after,
            ),
            ExpectedStep(
                "labels are right again: it was a bad one, and is rolled back",
                "rolled_back",
                after,
                after,
            ),
        )

    def _known(self) -> Iterator[list[DemoEvent]]:
        """Give the label of each event of the one that learns, in their order, if it comes."""
        for row, label in enumerate(self.labels.came):
            ts = round((self.time(self.learner, row) + self.late).timestamp(), 3)
            event = {"model_id": self.learner, "event_id": str(row), "ts": ts, "label": label}
            yield [] if label is None else [DemoEvent(event, ts, row)]

    def _begins(self, actor: ModelSpec) -> int:
        share = actor.twist.begins if actor.twist else 1.0
        return round(share * (actor.history or self.count(actor.id)))

    def _lines(self, actor: ModelSpec) -> Iterator[DemoEvent]:
        times = self._times[actor.id]
        columns = {name: self._column(actor, name).tolist() for name in actor.features}
        predicted = self._predictions(actor)
        shown = predicted if actor.shown == PREDICTION and predicted else columns[actor.shown]
        start = START.timestamp()
        for row, millis in enumerate(times.tolist()):
            ts = round(start + millis / 1000, 3)
            event: dict[str, Any] = {
                "model_id": actor.id,
                "event_id": str(row),
                "ts": ts,
                "features": {name: values[row] for name, values in columns.items()},
            }
            if predicted is not None:
                value = predicted[row]
                classes = actor.classes
                event["prediction"] = dict(zip(classes, value, strict=True)) if classes else value
            yield DemoEvent(event, ts, row, shown[row])

    def _predictions(self, actor: ModelSpec) -> list[Any] | None:
        """Give what a model says; None when it says nothing."""
        if actor.truth is not None:
            return list(self.labels.predicted)
        return None if actor.prediction is None else self._column(actor, PREDICTION).tolist()

    def _column(self, actor: ModelSpec, name: str) -> Values:
        """Draw a column from a separate generator, so that columns are independent."""
        source = actor.prediction if name == PREDICTION else actor.features[name]
        if source is None:
            raise KeyError(name)
        count = self.count(actor.id)
        values = source(_draw(self.seed, actor.id, name), count)
        if actor.twist is None or actor.twist.column != name:
            return values
        begins = self._begins(actor)
        changed = actor.twist.change(_draw(self.seed, actor.id, name, "changed"), values[begins:])
        return np.concatenate([values[:begins], changed])


def _draw(seed: int, *names: str) -> Generator:
    return np.random.default_rng([seed, *"/".join(names).encode()])


def _times(actor: ModelSpec, draw: Generator, events: int) -> NDArray[np.int64]:
    """Return milliseconds since `START`, rising, at least as many as the story may need."""
    shares = sum(actor.period / other.period for other in MODELS)
    count = int(events / shares) + 2
    places = np.arange(-actor.history, count) + _JITTER * draw.random(actor.history + count)
    return np.round(1000 * actor.period * places).astype(np.int64)
