"""Define the stored entries of events and labels that wait, and the watermarks of models."""

from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct, field

from streamproc.join.prediction_windows import Prediction, Tags
from streamproc.join.watermark import STEPS, Candidate, advance


class InputLog(IntEnum):
    """The three input logs; entries refer to them by number."""

    PREDICTIONS = 0
    FEATURES = 1
    LABELS = 2


class Label(Struct, array_like=True, gc=False):
    """A label that came before its event.

    Attributes
    ----------
    value
        As JSON.
    ts, time
        Its own time, and the plausible time used for it; seconds since 1970.
    clock
        Watermark of its model's labels when it came, or its own time if that is later.
    offset
        Offset of its record.
    """

    value: bytes
    ts: float
    time: float
    clock: float
    offset: int


class JoinEntry(Struct, array_like=True, gc=False):
    """One event, its labels, or both.

    Attributes
    ----------
    event_id
        Only while the event has not come.
    waiting
        Labels without an event, in the order of their log.
    time
        Plausible time of the event, seconds since 1970; None while it has not come.
    ts
        The event's own time, seconds since 1970.
    clock
        Watermark of its model's events when it came, or its own time if that is later.
    log, offset
        Position of its record.
    body
        The event's fields as JSON, without braces; None once a label could only be late.
    last
        Its last label as JSON; empty before the first.
    revision
        Number of label changes.
    parts
        The event's cohorts, see `streamproc.join.coverage`.
    """

    event_id: str = ""
    waiting: tuple[Label, ...] = ()
    time: float | None = None
    ts: float = 0.0
    clock: float = 0.0
    log: int = 0
    offset: int = 0
    body: bytes | None = None
    last: bytes = b""
    revision: int = 0
    parts: tuple[tuple[str, str], ...] = ()


class Watermark(Struct, array_like=True):
    """The watermarks of a model's events and labels, in seconds since 1970.

    Attributes
    ----------
    events, labels
        The watermark of each; minus infinity while unknown.
    swept
        Time of the last removal of expired entries.
    tally, parts
        Label coverage of all events, and of cohorts, see `streamproc.join.coverage`.
    reported
        Step before which coverage outcomes were written.
    due
        Time of the next coverage outcome.
    next_events, next_labels
        Times ahead of a watermark, or far behind it, that are not confirmed yet.
    recent
        Predictions of each version since its last prediction window, see
        `streamproc.join.prediction_windows`.
    recent_tags
        Their tags, of models with segments.
    """

    events: float = float("-inf")
    labels: float = float("-inf")
    swept: float = float("-inf")
    tally: dict[int, list[int]] = field(default_factory=dict)
    parts: dict[str, dict[str, dict[int, list[int]]]] = field(default_factory=dict)
    reported: float = float("-inf")
    due: float = float("-inf")
    next_events: Candidate = field(default_factory=Candidate)
    next_labels: Candidate = field(default_factory=Candidate)
    recent: dict[str | None, list[Prediction]] = field(default_factory=dict)
    recent_tags: dict[str | None, list[Tags]] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """The later watermark of events and labels."""
        # Comparisons cost a third of `max`, which shows at each event.
        return self.events if self.events >= self.labels else self.labels  # noqa: FURB136

    def see_event(self, time: float, horizon: float) -> None:
        """Advance the watermark of events by the time of the next event."""
        events = self.events
        if events <= time <= events + horizon / STEPS and not self.next_events.count:
            self.events = time  # as `advance` would, in order and without a jump
            return
        before = self.now
        self.events = advance(self.events, self.next_events, time, horizon)
        if self.now < before:
            self._go_back()

    def see_label(self, time: float, horizon: float) -> None:
        """Advance the watermark of labels by the time of the next label."""
        labels = self.labels
        if labels <= time <= labels + horizon / STEPS and not self.next_labels.count:
            self.labels = time
            return
        before = self.now
        self.labels = advance(self.labels, self.next_labels, time, horizon)
        if self.now < before:
            self._go_back()

    def _go_back(self) -> None:
        """Reschedule sweeps and coverage after a wrong watermark was corrected."""
        self.swept, self.due = min(self.swept, self.now), float("-inf")

    def for_events(self, horizon: float) -> float:
        """Return the time by which events that wait for labels expire."""
        events = self.events - horizon
        return self.labels if self.labels >= events else events  # noqa: FURB136

    def for_labels(self, horizon: float) -> float:
        """Return the time by which labels that wait for events expire."""
        return max(self.events, self.labels - horizon)


def key_of(model_id: str, event_id: str) -> bytes:
    """Return a 16-byte hash of a model's event."""
    digest = _begun(model_id).copy()
    digest.update(event_id.encode())
    return digest.digest()


@lru_cache(maxsize=4096)
def _begun(model_id: str) -> blake2b:
    # The length keeps ("a", "b:c") and ("a:b", "c") apart.
    return blake2b(f"{len(model_id)}:{model_id}:".encode(), digest_size=16)


def number_of(key: bytes) -> int:
    """Return the first 64 bits of a key as an integer, which is cheaper to look up."""
    return int.from_bytes(key[:8], "big", signed=True)
