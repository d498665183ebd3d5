"""Bytes of records to typed events, grouped by layout; what cannot be read is a dead letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamproc.contract.config import Limits
from streamproc.core.bodies import WHOLE, UnreadableError, bodies
from streamproc.core.catalogue import Catalogue
from streamproc.core.layout import Layout
from streamproc.core.recent import Recent
from streamproc.core.record import DeadLetter, Outcome, Reason, Record
from streamproc.core.shape import Retyped, Shape, grown
from streamproc.core.strays import Strays
from streamproc.core.twice import doubtful, twice
from streamproc.core.typed import ANY, DECODE_ERRORS, in_range, why

# One integer orders the events of a slice: the record's position, then the place in it.
PLACE_BITS = 24
# More classes than this are better watched by a detector of their shares than one by one.
MOST_CLASSES = 50
# An alert names its series; one that no topic takes would be lost.
LONGEST_NAME = 1000


@dataclass(slots=True)
class Group:
    """Events of one layout in log order, and the place of each in the slice."""

    events: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


Groups = dict[Layout, Group]


def trouble(event: Any, record: Record, limits: Limits) -> tuple[Reason, str] | None:
    """Name what is wrong with an event whose types are right."""
    if not in_range(event.ts, record.timestamp):
        return Reason.WRONG_TYPE, "its time is not within the years 1 to 9999 in UTC"
    features, most = event.features or (), limits.max_features
    if len(features) > most:
        detail = f"{len(features)} features; limits.max_features is {most}"
        return Reason.TOO_MANY_FEATURES, detail
    longest = max(map(len, features), default=0)
    if longest > LONGEST_NAME:
        return Reason.WRONG_TYPE, f"a feature's name has {longest} characters, of {LONGEST_NAME}"
    return None


class Reader:
    """Reads one partition's records and learns the shapes of its models' events.

    Parameters
    ----------
    catalogue
        Where models and their layouts are kept.
    watch
        Called with groups of events: at the end of a slice, and before a known model
        changes its layout, so that each series is fed in log order.
    retyped
        Called when series of a model are no more, with its id, the features that are something
        else from this event on, and the event, its place and its record.
    full
        Called once for each limit, with its name and the event, its place and its record,
        when a series of that event is the first that is not watched because of it.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        topic: str,
        partition: int,
        watch: Callable[[Groups, Sequence[Record], Outcome], None],
        retyped: Callable[[str, Retyped, Any, int, Record], None],
        full: Callable[[str, Any, int, Record], None],
    ) -> None:
        self._catalogue = catalogue
        self._limits = catalogue.config.limits
        self._topic, self._partition = topic, partition
        self._watch = watch
        self._retyped = retyped
        self._full = full
        self._any = ANY[catalogue.topic]
        self._doubtful: frozenset[int] = frozenset()  # places of this slice's records
        self._hints: dict[bytes | None, Layout] = {}
        self.recent = Recent(self._limits.recent_events)
        self.strays = Strays()

    def read(self, records: Sequence[Record], outcome: Outcome) -> None:
        """Decode a slice and hand over all of its events."""
        groups: Groups = {}
        hints, longest, again = self._hints, self._limits.record_bytes, self.recent.again
        strays = self.strays
        self._doubtful = doubtful([record.value for record in records], longest)
        for position, record in enumerate(records):
            value = record.value
            layout = hints.get(record.key)
            if layout is not None and value and not record.headers and len(value) <= longest:
                try:
                    event = layout.typed.decode(value)
                except DECODE_ERRORS:
                    event = None  # perhaps only new to this layout: the general way decides
                if (
                    event is not None
                    and event.model_id in layout.rows
                    and in_range(event.ts, record.timestamp)
                    and not (strays and event.model_id in strays)
                    and (position not in self._doubtful or twice(value) is None)
                ):
                    if event.event_id is not None and again(value):
                        outcome.repeated += 1
                        continue
                    group = groups.get(layout)
                    if group is None:
                        group = groups[layout] = Group()
                    group.events.append(event)
                    group.places.append(position << PLACE_BITS)
                    continue
            self._read_any(records, position, groups, outcome)
        self._hand_over(groups, records, outcome)

    def _read_any(
        self, records: Sequence[Record], position: int, groups: Groups, outcome: Outcome
    ) -> None:
        record = records[position]
        try:
            found = bodies(record, self._limits.record_bytes)
        except UnreadableError as error:
            self._refuse(record, WHOLE, record.value, (error.reason, error.detail), outcome)
            return
        for index, body in found:
            try:
                event = self._any.decode(body)
            except DECODE_ERRORS as error:
                self._refuse(record, index, body, why(error, body), outcome)
                continue
            wrong = trouble(event, record, self._limits)
            if wrong is None and position in self._doubtful:
                wrong = twice(body)
            if wrong is not None:
                self._refuse(record, index, body, wrong, outcome)
                continue
            if event.event_id is not None and self.recent.again(body):
                outcome.repeated += 1
                continue
            place = (position << PLACE_BITS) + max(index, 0)
            layout = self._layout(event, place, groups, records, outcome)
            self._tell_limits(event, layout, place, record)
            if layout is None:
                continue
            self._hint(record.key, layout)
            group = groups.setdefault(layout, Group())
            group.events.append(layout.event(event))
            group.places.append(place)

    def _layout(
        self, event: Any, place: int, groups: Groups, records: Sequence[Record], outcome: Outcome
    ) -> Layout | None:
        model = self._catalogue.models.get(event.model_id)
        known = Shape() if model is None else model.layout.shape
        features, prediction = event.features or {}, getattr(event, "prediction", None)
        other = {} if model is None else self.strays.see(model.id, model.layout.kinds, features)
        most = self._limits.max_features, MOST_CLASSES
        shape = grown(known, features, prediction, *most, other)
        if model is None or shape != known:
            if model is not None:
                self._hand_over(groups, records, outcome)
            model = self._catalogue.settle(event.model_id, shape)
            retyped = known.retyped(shape)
            if model is not None and (retyped or self._catalogue.dropped):
                record = records[place >> PLACE_BITS]
                self._retyped(model.id, retyped, event, place, record)
        if model is None:
            outcome.events += 1
            return None
        return model.layout

    def _tell_limits(self, event: Any, layout: Layout | None, place: int, record: Record) -> None:
        told = self._catalogue.told
        if self._catalogue.refused and "max_series" not in told:
            told.add("max_series")
            self._full("max_series", event, place, record)
        if layout is None or "max_features" in told:
            return
        if layout.shape.features >= self._limits.max_features and not all(
            layout.shape.knows(name) for name in event.features or ()
        ):
            told.add("max_features")
            self._full("max_features", event, place, record)

    def _hand_over(self, groups: Groups, records: Sequence[Record], outcome: Outcome) -> None:
        outcome.events += sum(len(group.events) for group in groups.values())
        self._watch(groups, records, outcome)
        groups.clear()

    def _hint(self, key: bytes | None, layout: Layout) -> None:
        if len(self._hints) > 2 * len(self._catalogue.models) + 1000:
            self._hints.clear()  # keys that name no model must not fill the memory
        self._hints[key] = layout

    def _refuse(
        self,
        record: Record,
        index: int,
        body: bytes | None,
        why_not: tuple[Reason, str],
        outcome: Outcome,
    ) -> None:
        outcome.dead_letters.append(
            DeadLetter(
                reason=why_not[0],
                detail=why_not[1],
                topic=self._topic,
                partition=self._partition,
                offset=record.offset,
                timestamp=record.timestamp,
                index=index,
                key=record.key,
                value=body,
                headers=tuple(record.headers or ()),
            )
        )
