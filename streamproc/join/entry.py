"""What is kept of an event that waits for its label, and of a label that waits for its event."""

from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct, field

from streamproc.join.watermark import Candidate, advance


class InputLog(IntEnum):
    """The three logs that are joined; what is kept names its log by this number."""

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
        What it says about its time, and what we believe of it; seconds since 1970.
    clock
        The latest time of its model's labels then: their watermark, or its own time.
    offset
        Of its record.
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
        Only while there is no event.
    waiting
        Labels without an event, in the order of their log.
    time
        What is believed of the event's time, seconds since 1970; None while there is none.
    ts
        What the event says.
    clock
        The latest time of its model's events then: their watermark, or its own time.
    log, offset
        Where its record lies.
    body
        The event's fields as JSON, without braces; None once a label could only be late.
    last
        Its last label, as JSON; empty while there is none.
    revision
        How many different labels came, one after the other.
    parts
        The parts of the model's events that it belongs to: `streamproc.join.coverage`.
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
    """How far a model's time has come, in events and in labels; seconds since 1970.

    Attributes
    ----------
    events, labels
        The watermark of each; minus infinity before it is known.
    swept
        When what is over was last taken away.
    tally, parts
        How many events have a label, of all and by their parts: `streamproc.join.coverage`.
    told
        The step up to which it was told how many have one.
    due
        When that has to be looked at again.
    next_events, next_labels
        Times ahead of a watermark, or far behind it, that are not confirmed yet.
    """

    events: float = float("-inf")
    labels: float = float("-inf")
    swept: float = float("-inf")
    tally: dict[int, list[int]] = field(default_factory=dict)
    parts: dict[str, dict[str, dict[int, list[int]]]] = field(default_factory=dict)
    told: float = float("-inf")
    due: float = float("-inf")
    next_events: Candidate = field(default_factory=Candidate)
    next_labels: Candidate = field(default_factory=Candidate)

    @property
    def now(self) -> float:
        """The model's time: that of its events or of its labels, whichever is later."""
        return max(self.events, self.labels)

    def see_event(self, time: float, horizon: float) -> None:
        """Take the time of the next event."""
        before = self.now
        self.events = advance(self.events, self.next_events, time, horizon)
        if self.now < before:
            self._go_back()

    def see_label(self, time: float, horizon: float) -> None:
        """Take the time of the next label."""
        before = self.now
        self.labels = advance(self.labels, self.next_labels, time, horizon)
        if self.now < before:
            self._go_back()

    def _go_back(self) -> None:
        """Do again what was put off until a time that was wrong."""
        self.swept, self.due = min(self.swept, self.now), float("-inf")

    def for_events(self, horizon: float) -> float:
        """Return the time that events which wait for labels go by."""
        return max(self.labels, self.events - horizon)

    def for_labels(self, horizon: float) -> float:
        """Return the time that labels which wait for events go by."""
        return max(self.events, self.labels - horizon)


def key_of(model_id: str, event_id: str) -> bytes:
    """Return 16 bytes that stand for a model's event."""
    digest = _begun(model_id).copy()
    digest.update(event_id.encode())
    return digest.digest()


@lru_cache(maxsize=4096)
def _begun(model_id: str) -> blake2b:
    # The length keeps ("a", "b:c") and ("a:b", "c") apart.
    return blake2b(f"{len(model_id)}:{model_id}:".encode(), digest_size=16)


def number_of(key: bytes) -> int:
    """Return a number of 64 bits that all but stands for such a key: cheaper to look up."""
    return int.from_bytes(key[:8], "big", signed=True)
