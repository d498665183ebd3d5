"""Records of the three logs to events and labels; a label that cannot be read is a dead letter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from streamproc.contract.config import Config, Limits
from streamproc.core.bodies import WHOLE, UnreadableError, bodies
from streamproc.core.join_entry import Input
from streamproc.core.matrix import seconds
from streamproc.core.reader import trouble
from streamproc.core.record import DeadLetter, Reason, Record
from streamproc.core.shape import Topic
from streamproc.core.twice import doubtful, twice
from streamproc.core.typed import ANY, DECODE_ERRORS, EventTime, ModelId, in_range, why

# An event cannot be of much later than its record: a clock that is wrong by a year must not end
# the waiting of all others. A day is more than any time zone that was forgotten.
AHEAD_SECONDS: Final = 86_400.0
# A label's text goes into every outcome of it; no class needs more.
LONGEST_LABEL: Final = 10_000


class AnyLabel(Struct, gc=False, kw_only=True):
    """An event of the `labels` topic."""

    model_id: ModelId
    event_id: str
    label: float | bool | Annotated[str, Meta(max_length=LONGEST_LABEL)]
    ts: EventTime = None


_LABEL: Final = msgspec.json.Decoder(AnyLabel)
_EVENTS: Final = {
    Input.PREDICTIONS: ANY[Topic.PREDICTIONS],
    Input.FEATURES: ANY[Topic.FEATURES],
}


@dataclass(frozen=True, slots=True)
class Item:
    """An event or a label, and where it lies.

    Attributes
    ----------
    position
        Of its record among those that were given.
    index
        Its place in the record; -1: it is all of it.
    ts, time
        What it says about its time, and what we believe of it; seconds since 1970.
    """

    log: Input
    position: int
    offset: int
    index: int
    event: Any
    ts: float
    time: float


@dataclass(slots=True)
class Read:
    """What some records hold."""

    items: list[Item] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)


def read(
    records: Sequence[tuple[Input, Record]], config: Config, names: Sequence[str], partition: int
) -> Read:
    """Decode records.

    An event that cannot be read is left out: who watches its topic has said so already.

    Parameters
    ----------
    records
        In the order in which they are to be joined.
    config
        The whole configuration.
    names
        Of the three topics.
    partition
        Which of theirs.
    """
    found = Read()
    doubts = doubtful([record.value for _, record in records], config.limits.record_bytes)
    for position, (log, record) in enumerate(records):
        for index, body, error in _bodies(record, config.limits):
            event, wrong = (None, error) if error else _decode(log, body, record, config.limits)
            if wrong is None and position in doubts:
                wrong = twice(body or b"")
            if wrong is None:
                item = _item(log, position, record, index, event)
                found.items.append(item)
            elif log is Input.LABELS:
                found.dead_letters.append(
                    DeadLetter(
                        *wrong,
                        topic=names[log],
                        partition=partition,
                        offset=record.offset,
                        timestamp=record.timestamp,
                        index=index,
                        key=record.key,
                        value=body,
                        headers=tuple(record.headers or ()),
                    )
                )
    return found


def _bodies(
    record: Record, limits: Limits
) -> Iterator[tuple[int, bytes | None, tuple[Reason, str] | None]]:
    try:
        for index, body in bodies(record, limits.record_bytes):
            yield index, body, None
    except UnreadableError as error:
        yield WHOLE, record.value, (error.reason, error.detail)


def _decode(
    log: Input, body: bytes | None, record: Record, limits: Limits
) -> tuple[Any, tuple[Reason, str] | None]:
    decoder = _LABEL if log is Input.LABELS else _EVENTS[log]
    try:
        event = decoder.decode(body or b"")
    except DECODE_ERRORS as error:
        return None, why(error)
    if log is not Input.LABELS:
        return event, trouble(event, record, limits)
    if not in_range(event.ts, record.timestamp):
        return None, (Reason.WRONG_TYPE, "its time is not within the years 1 to 9999 in UTC")
    return event, None


def _item(log: Input, position: int, record: Record, index: int, event: Any) -> Item:
    ts = seconds(event.ts, record)
    time = ts
    # 0 and less: the record has no time of its own.
    if record.timestamp > 0:
        believed = record.timestamp / 1000
        time = ts if ts <= believed + AHEAD_SECONDS else believed
    return Item(log, position, record.offset, index, event, ts, time)
