"""A log of events in which it is known what happens, when, and to whom: pure, and seeded."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamproc.demo.cast import CAST, PREDICTION, Actor
from streamproc.demo.draws import Values

START: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
SEED: Final = 1
# Of a period: two events of a model are never at the same millisecond.
_JITTER: Final = 0.9


@dataclass(frozen=True)
class Incident:
    """Something that happens, and how soon it should be known.

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
        Events of the model, the first that differs included, after which it should be told.
    """

    title: str
    model_id: str
    series: str
    begins: int
    began_at: datetime
    within: int


class Told(NamedTuple):
    """An event as a program publishes it, and of that: when, and the number that is drawn."""

    event: Mapping[str, Any]
    ts: float
    shown: float | None


class Story:
    """The whole story; the same events whenever it is told.

    Parameters
    ----------
    events
        How many, of all models together; `streamproc.demo.LEAST_EVENTS` or more.
    seed
        Another one gives other values, with the same incidents in the same places.

    Attributes
    ----------
    incidents : tuple of Incident
        In the order in which they begin.

    Examples
    --------
    >>> story = Story(10_000)
    >>> [incident.series for incident in story.incidents][:2]
    ['feature:income', 'feature:amount']
    >>> sum(1 for _ in story.tell())
    10000
    """

    def __init__(self, events: int, seed: int = SEED) -> None:
        self.events = events
        self._seed = seed
        drawn = [_times(actor, _draw(seed, actor.id, "ts"), events) for actor in CAST]
        who = np.repeat(np.arange(len(CAST)), [len(times) for times in drawn])
        order = np.argsort(np.concatenate(drawn), kind="stable")[:events]
        self._order: NDArray[np.int64] = who[order]
        counts = np.bincount(self._order, minlength=len(CAST))
        self._times = {
            actor.id: times[:count]
            for actor, times, count in zip(CAST, drawn, counts.tolist(), strict=True)
        }
        self.incidents = tuple(sorted(self._incidents(), key=lambda incident: incident.began_at))

    @property
    def models(self) -> tuple[Actor, ...]:
        """Who is in it."""
        return CAST

    def tell(self) -> Iterator[Told]:
        """Give the events in the order of their times."""
        lines = [self._lines(actor) for actor in CAST]
        return (next(lines[actor]) for actor in self._order.tolist())

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
        for actor in CAST:
            if actor.twist is not None:
                begins = self._begins(actor)
                count = self.count(actor.id)
                yield Incident(
                    title=actor.twist.title,
                    model_id=actor.id,
                    series=actor.twist.series,
                    begins=begins,
                    began_at=self.time(actor.id, begins),
                    within=max(actor.twist.within, round(actor.twist.within_share * count)),
                )

    def _begins(self, actor: Actor) -> int:
        share = actor.twist.begins if actor.twist else 1.0
        return round(share * self.count(actor.id))

    def _lines(self, actor: Actor) -> Iterator[Told]:
        times = self._times[actor.id]
        columns = {name: self._column(actor, name).tolist() for name in actor.features}
        said = None if actor.prediction is None else self._column(actor, PREDICTION).tolist()
        shown = said if actor.shown == PREDICTION and said else columns[actor.shown]
        start = START.timestamp()
        for row, millis in enumerate(times.tolist()):
            ts = round(start + millis / 1000, 3)
            event: dict[str, Any] = {
                "model_id": actor.id,
                "event_id": str(row),
                "ts": ts,
                "features": {name: values[row] for name, values in columns.items()},
            }
            if said is not None:
                value = said[row]
                classes = actor.classes
                event["prediction"] = dict(zip(classes, value, strict=True)) if classes else value
            yield Told(event, ts, shown[row])

    def _column(self, actor: Actor, name: str) -> Values:
        """Draw a column from a source of its own, so that no other depends on it."""
        source = actor.prediction if name == PREDICTION else actor.features[name]
        if source is None:
            raise KeyError(name)
        count = self.count(actor.id)
        values = source(_draw(self._seed, actor.id, name), count)
        if actor.twist is None or actor.twist.column != name:
            return values
        begins = self._begins(actor)
        changed = actor.twist.change(_draw(self._seed, actor.id, name, "changed"), values[begins:])
        return np.concatenate([values[:begins], changed])


def _draw(seed: int, *names: str) -> Generator:
    return np.random.default_rng([seed, *"/".join(names).encode()])


def _times(actor: Actor, draw: Generator, events: int) -> NDArray[np.int64]:
    """Return milliseconds since the start, rising, at least as many as the story may need."""
    shares = sum(actor.period / other.period for other in CAST)
    count = int(events / shares) + 2
    places = np.arange(count) + _JITTER * draw.random(count)
    return np.round(1000 * actor.period * places).astype(np.int64)
