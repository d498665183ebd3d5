"""What is kept of an event that waits for its label, and of a label that waits for its event."""

from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct, field


class Input(IntEnum):
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
        The latest time of its model's labels then.
    offset
        Of its record.
    """

    value: bytes
    ts: float
    time: float
    clock: float
    offset: int


class Entry(Struct, array_like=True, gc=False):
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
        The latest time of its model's events then.
    log, offset
        Where its record lies.
    body
        The event's fields as JSON, without braces; None once a label could only be late.
    last
        Its last label, as JSON; empty while there is none.
    revision
        How many different labels came, one after the other.
    parts
        The parts of the model's events that it belongs to: `streamproc.core.join.coverage`.
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


class Clock(Struct, array_like=True):
    """How far a model's time has come, in events and in labels; seconds since 1970.

    Attributes
    ----------
    events, labels
        The latest of each; minus infinity where there is none yet.
    swept
        When what is over was last taken away.
    tally, parts
        How many events have a label, of all and by their parts: `streamproc.core.join.coverage`.
    told
        The step up to which it was told how many have one.
    due
        When that has to be looked at again.
    """

    events: float = float("-inf")
    labels: float = float("-inf")
    swept: float = float("-inf")
    tally: dict[int, list[int]] = field(default_factory=dict)
    parts: dict[str, dict[str, dict[int, list[int]]]] = field(default_factory=dict)
    told: float = float("-inf")
    due: float = float("-inf")

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
