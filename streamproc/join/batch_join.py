"""Join a batch of events and labels with stored entries and with each other."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from streamproc.join.coverage import (
    MIN_EVENTS,
    AgeBuckets,
    cohort,
    count_event,
    labelled,
    window_counts,
)
from streamproc.join.decode import JoinInput
from streamproc.join.encode import ASKED, OutcomeEncoder, UnsequencedOutcome
from streamproc.join.entry import InputLog, JoinEntry, Label, Watermark, key_of
from streamproc.join.meetings import Meeting, Meetings
from streamproc.join.prediction_windows import TagColumns, collect, collect_tags
from streamproc.join.store import JoinStore, StoredEntry
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.records import DeadLetter

Names = tuple[str, str]

# Labels that are revised often for an event that never comes must not grow its entry.
MAX_WAITING: Final = 100
# Sweeps per grace period: expired entries stay up to two hours of a week; a sweep takes 10 us.
SWEEPS: Final = 64
# Maximum entries per sweep, so that a backlog of a week does not block the event loop.
MAX_SWEPT: Final = 1000
# An attribute of an enumeration costs more than the rest of a comparison.
_, _FEATURES, _LABELS = InputLog
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """Settings of a join.

    Attributes
    ----------
    horizon
        Grace period in seconds.
    age
        Age in seconds after which events are compared by whether they have a label.
    grid, parts
        Age buckets for all events of a model, and for its cohorts.
    max_entries
        Maximum number of stored entries.
    asks
        Returns whether a model's events are published as outcomes when they come.
    estimated
        Returns whether the error of a model is estimated from its predictions.
    tags
        Returns the tags within whose values it is estimated, too.
    writer
        Encodes the outcomes.
    """

    horizon: float
    age: float
    grid: AgeBuckets
    parts: AgeBuckets
    max_entries: int
    asks: Callable[[str], bool]
    estimated: Callable[[str], bool]
    tags: Callable[[str], tuple[str, ...]]
    writer: OutcomeEncoder


@dataclass(slots=True)
class JoinResult:
    """The result of joining a batch of records.

    Attributes
    ----------
    drafts
        Outcomes, in order.
    dead_letters
        Labels that could not be decoded.
    counts
        Outcomes by status; ``repeated``: duplicate events and labels; ``given_up``: entries
        evicted because of `labels.max_pending`.
    implausible
        Events and labels with a time before 1970, or hours ahead of their record's.
    """

    drafts: list[UnsequencedOutcome] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    implausible: list[JoinInput] = field(default_factory=list)


@dataclass(slots=True)
class _Model:
    """A model's watermarks, whether its events are published, its tags, and its match counts."""

    clock: Watermark
    asked: bool
    tags: tuple[str, ...]
    meeting: Meeting


class BatchJoin:
    """Join items one by one; `save` writes the changed entries to the store.

    Parameters
    ----------
    rules
        Settings of the join.
    shelf
        Stored entries.
    items
        All items of the batch.
    meetings
        Counts the labels that find their event.
    """

    def __init__(
        self, rules: JoinSettings, shelf: JoinStore, items: Sequence[JoinInput], meetings: Meetings
    ) -> None:
        self.joined = JoinResult()
        self._add = self.joined.drafts.append
        self._rules = rules
        self._shelf = shelf
        self._horizon, self._step = rules.horizon, rules.horizon / SWEEPS
        self._max_entries = rules.max_entries
        self._entries: dict[bytes, StoredEntry] = shelf.load(
            {item.key for item in items if item.key}
        )
        self._changed: dict[bytes, StoredEntry | None] = {}
        self._count = len(shelf)
        models = dict.fromkeys([item.model_id for item in items])
        clocks = shelf.clocks(models)
        self._models = {
            model: _Model(
                clocks.get(model) or Watermark(), rules.asks(model), rules.tags(model), meeting
            )
            for model, meeting in meetings.models(models).items()
        }

    def take(self, item: JoinInput) -> None:
        """Join the next event or label."""
        model = self._models[item.model_id]
        clock = model.clock
        if item.log is _LABELS:
            clock.see_label(item.time, self._horizon)
            self._label(item, model)
        else:
            clock.see_event(item.time, self._horizon)
            self._event(item, model)
        now = clock.now
        if now > _NEVER:
            if now >= clock.due:
                self._compare(item, clock, now)
            if now >= clock.swept + self._step:
                self._sweep(item.model_id, clock, item.position)
        if self._count > self._max_entries:
            self._give_up(item.position)

    def save(self) -> None:
        """Write changed entries and watermarks to the store, and count the outcomes."""
        self.joined.counts.update([draft.status for draft in self.joined.drafts])
        self._flush()
        self._shelf.set_clocks({name: model.clock for name, model in self._models.items()})

    def _flush(self) -> None:
        self._shelf.save(self._changed)
        self._changed = {}

    def _event(self, item: JoinInput, model: "_Model") -> None:
        if item.log is _FEATURES and not model.asked:
            return  # its label has nothing to be compared with
        key, clock, time = item.key, model.clock, item.time
        if not key:
            self._collect(item, model)
            if model.asked:
                self._ask(item, JoinEntry(ts=item.ts, log=item.log, offset=item.offset))
            return
        before = self._entries.get(key)
        if before is not None and before.known:
            self.joined.counts["repeated"] += 1
            model.meeting.reused += _differs(before.entry, item)
            return
        self._collect(item, model)
        entry = JoinEntry(
            "",
            (),
            time,
            item.ts,
            max(clock.events, time),
            item.log,
            item.offset,
            item.content,
            b"",
            0,
            item.parts,
        )
        stored = StoredEntry(item.model_id, True, time + self._horizon, entry)  # noqa: FBT003
        if model.asked:
            stored.event = self._ask(item, entry)
        now = clock.now
        count_event(clock.tally, time, now, self._rules.grid)
        for by, value in item.parts:
            count_event(cohort(clock.parts, by, value), time, now, self._rules.parts)
        waiting = before.entry.waiting if before else ()
        model.meeting.event(time, len(waiting))
        for label in waiting:
            self._settle(key, item, stored, label)
        if clock.for_events(self._horizon) <= time + 2 * self._horizon:
            self._put(key, stored)
        elif before:
            self._put(key, None)

    def _collect(self, item: JoinInput, model: _Model) -> None:
        """Add a prediction to the window of its version; add an outcome with a full window.

        Which predictions are in a window depends on their log alone, so that a join that begins
        again writes the same windows with the same ids. They are written once the model has labels.
        """
        if item.prediction is None:
            return
        clock, name, version = model.clock, item.model_id, item.version
        window = collect(clock.recent, version, item.prediction)
        segments: TagColumns = {}
        if model.tags or clock.recent_tags:
            size = len(window or clock.recent[version])
            segments = collect_tags(clock.recent_tags, version, item.tags, model.tags, size)
        if window is None or clock.labels == _NEVER or not self._rules.estimated(name):
            return
        source = (int(item.log), item.offset)
        fields = self._rules.writer.predictions((name, version), item.ts, source, window, segments)
        outcome_id = f"{key_of(name, version or '').hex()}-predictions-{item.offset}-{item.index}"
        self._add(UnsequencedOutcome(outcome_id, name, "coverage", item.position, fields))

    def _label(self, item: JoinInput, model: "_Model") -> None:
        clock = model.clock
        label = Label(item.content, item.ts, item.time, max(clock.labels, item.time), item.offset)
        key = item.key
        before = self._entries.get(key)
        if before is not None and before.known:
            model.meeting.label(item.time, met=True)
            self._settle(key, item, before, label)
            self._changed[key] = before
            return
        entry = before.entry if before else JoinEntry(event_id=item.event_id or "")
        if entry.waiting and _repeats(entry.waiting[-1], label):
            self.joined.counts["repeated"] += 1
            return
        over = clock.for_labels(self._horizon) > label.time + self._horizon
        if not over:  # otherwise its event may have been removed
            model.meeting.label(item.time, met=False)
        if over or len(entry.waiting) >= MAX_WAITING:
            self._unmatched(key, (item.model_id, entry.event_id), label, item.position)
        else:
            entry.waiting += (label,)
            self._put(key, self._stored(item.model_id, entry))

    def _settle(self, key: bytes, item: JoinInput, stored: StoredEntry, label: Label) -> None:
        """Add the outcome of a label and its event; `item` is the later of them."""
        entry, horizon, names = stored.entry, self._horizon, (item.model_id, item.event_id or "")
        time = entry.time or 0.0
        if entry.clock > label.time + horizon or label.clock > time + 2 * horizon:
            self._unmatched(key, names, label, item.position)
            return
        if label.value == entry.last:
            self.joined.counts["repeated"] += 1
            return
        entry.last = label.value
        entry.revision = revision = entry.revision + 1
        writer = self._rules.writer
        status: OutcomeStatus = "labelled" if revision == 1 else "revised"
        if label.clock > time + horizon or entry.body is None:
            status, event = "late", writer.event(names, entry, b"")
        else:
            event = stored.event or writer.event(names, entry, entry.body)
        if status == "labelled":
            self._count_label(self._models[names[0]].clock, entry, label.time - time)
        fields = writer.settled(status, entry, event, label, _LABELS)
        self._add(
            UnsequencedOutcome(f"{key.hex()}-{revision}", names[0], status, item.position, fields)
        )

    def _count_label(self, clock: Watermark, entry: JoinEntry, delay: float) -> None:
        rules, time = self._rules, entry.time or 0.0
        labelled(clock.tally, time, delay, rules.grid)
        for by, value in entry.parts:
            labelled(cohort(clock.parts, by, value), time, delay, rules.parts)

    def _compare(self, item: JoinInput, clock: Watermark, now: float) -> None:
        """Add an outcome with the label coverage of each cohort's old enough events."""
        rules, width = self._rules, self._rules.parts.width
        upto = (now - rules.age) // width  # earlier steps are complete
        clock.due = (upto + 1.0) * width + rules.age
        clock.reported = min(clock.reported, upto)  # ahead if the watermark has gone back
        table = window_counts(clock.parts, clock.reported, upto, rules.parts, rules.age)
        sums = [tuple(map(sum, zip(*values.values(), strict=True))) for values in table.values()]
        events, labels = max(sums, default=(0, 0))
        if events < MIN_EVENTS:
            return
        clock.reported = upto
        if labels:
            key = key_of(item.model_id, "").hex()
            fields = rules.writer.counts(item.model_id, upto * width, table)
            name = f"{key}-coverage-{upto:.0f}"
            self._add(UnsequencedOutcome(name, item.model_id, "coverage", item.position, fields))

    def _unmatched(self, key: bytes, names: Names, label: Label, position: int) -> None:
        fields = self._rules.writer.unmatched(names, label, _LABELS)
        outcome_id = f"{key.hex()}-{blake2b(label.value, digest_size=8).hexdigest()}"
        self._add(UnsequencedOutcome(outcome_id, names[0], "unmatched", position, fields))

    def _ask(self, item: JoinInput, entry: JoinEntry) -> bytes:
        """Add an outcome that asks for a prediction of an event; return its JSON fields."""
        model, key = item.model_id, item.key
        if not key:  # without an id, its position identifies the event
            key = key_of(model, f"{int(item.log)}:{item.offset}:{item.index}")
        event = self._rules.writer.event((model, item.event_id), entry, item.content)
        self._add(
            UnsequencedOutcome(f"{key.hex()}-0", model, "asked", item.position, ASKED + event)
        )
        return event

    def _put(self, key: bytes, stored: StoredEntry | None) -> None:
        if stored is None:
            self._count -= self._entries.pop(key, None) is not None
        else:
            self._count += key not in self._entries
            self._entries[key] = stored
        self._changed[key] = stored

    def _stored(self, model_id: str, entry: JoinEntry) -> StoredEntry:
        horizon = self._rules.horizon
        if entry.time is None:
            due = min(label.time for label in entry.waiting) + horizon
            return StoredEntry(model_id, known=False, due=due, entry=entry)
        due = entry.time + (2 if entry.body is None else 1) * horizon
        return StoredEntry(model_id, known=True, due=due, entry=entry)

    def _sweep(self, model_id: str, clock: Watermark, position: int) -> None:
        """Remove entries for which no label, or no event, can come any more."""
        self._flush()
        now = clock.for_events(self._rules.horizon)
        over = self._shelf.due(model_id, known=True, before=now, most=MAX_SWEPT)
        for key, stored in over:
            entry = self._current(key, stored).entry
            entry.body, had_body = None, entry.body is not None
            shorter = self._stored(model_id, entry) if had_body else None
            self._put(key, shorter if shorter and shorter.due >= now else None)
        now = clock.for_labels(self._rules.horizon)
        lone = self._shelf.due(model_id, known=False, before=now, most=MAX_SWEPT)
        for key, stored in lone:
            entry = self._current(key, stored).entry
            self._lose(key, model_id, entry, now, position)
            self._put(key, self._stored(model_id, entry) if entry.waiting else None)
        if max(len(over), len(lone)) < MAX_SWEPT:
            clock.swept = clock.now
        self._flush()

    def _lose(self, key: bytes, model_id: str, entry: JoinEntry, now: float, position: int) -> None:
        """Add unmatched outcomes for the expired labels of an entry."""
        horizon = self._rules.horizon
        for label in entry.waiting:
            if label.time + horizon < now:
                self._unmatched(key, (model_id, entry.event_id), label, position)
        entry.waiting = tuple(w for w in entry.waiting if w.time + horizon >= now)

    def _give_up(self, position: int) -> None:
        self._flush()
        for key, stored in self._shelf.oldest(max(1, self._rules.max_entries // 100)):
            entry = self._current(key, stored).entry
            self._lose(key, stored.model_id, entry, float("inf"), position)
            self._put(key, None)
            self.joined.counts["given_up"] += 1
        self._flush()

    def _current(self, key: bytes, stored: StoredEntry) -> StoredEntry:
        """Return the entry as changed by this batch; the store may have read a copy."""
        return self._entries.setdefault(key, stored)


def _differs(before: JoinEntry, item: JoinInput) -> bool:
    """Whether an event is not the one that came before with its id, as far as that is stored."""
    return before.log == item.log and before.body not in {None, item.content}


def _repeats(before: Label, label: Label) -> bool:
    """Whether a label repeats the previous one."""
    return (before.value, before.time, before.clock) == (label.value, label.time, label.clock)
