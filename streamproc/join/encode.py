"""Outcomes as JSON, written by hand: there are tens of thousands a second."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from streamproc.join.coverage import Table
from streamproc.join.entry import JoinEntry, Label
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.timestamps import EPOCH, format_timestamp

_ENCODE: Final = msgspec.json.Encoder().encode
ASKED: Final = b'"status":"asked","revision":0,'
"""Stands before what is said of an event that is asked about."""
_MICROS: Final = 1_000_000


class UnsequencedOutcome(Struct, gc=False, frozen=True):
    """An outcome that has no place in the log yet.

    Attributes
    ----------
    outcome_id
        The same for the same model, event and revision.
    model_id, status
        As in the outcome.
    position
        Of the record that led to it, among those that were given.
    rest
        All of the outcome but its id, epoch and number, as JSON.
    """

    outcome_id: str
    model_id: str
    status: OutcomeStatus
    position: int
    rest: bytes

    def numbered(self, epoch: int, seq: int, group: bytes = b"null") -> bytes:
        """Return the outcome as JSON; `group` is JSON, too."""
        name = self.outcome_id.encode()  # of letters, digits and dashes
        return b'{"outcome_id":"%b","epoch":%d,"seq":%d,"group":%b,%b}' % (
            *(name, epoch, seq, group, self.rest),
        )


class _Body(Struct, gc=False, omit_defaults=True):
    model_version: str | None
    tags: dict[str, str] | None
    features: dict[str, Any] | None
    prediction: Any = None


class OutcomeEncoder:
    """Writes the outcomes of one partition.

    Parameters
    ----------
    names
        Of the three topics.
    partition
        Which of theirs.
    """

    def __init__(self, names: tuple[str, str, str], partition: int) -> None:
        self._sources = [
            b'{"topic":%b,"partition":%d,"offset":' % (text(name), partition) for name in names
        ]

    def event(self, names: tuple[str, str | None], entry: JoinEntry, fields: bytes) -> bytes:
        """Return the part of outcomes that is about an event.

        Parameters
        ----------
        names
            Of the model and of the event.
        entry
            The event.
        fields
            What it said; empty where that is gone.
        """
        model_id, event_id = names
        return b'"model_id":%b%b,"ts":"%b","event_source":%b%d}%b%b' % (
            _ENCODE(model_id),
            b"" if event_id is None else b',"event_id":' + _ENCODE(event_id),
            _time(entry.ts),
            self._sources[entry.log],
            entry.offset,
            b"," if fields else b"",
            fields,
        )

    def settled(
        self, status: OutcomeStatus, entry: JoinEntry, event: bytes, label: Label, log: int
    ) -> bytes:
        """Return all that is said of an event and its label; `event` as `event` gives it."""
        return (
            b'"status":"%b","revision":%d,%b,"label":%b,"label_ts":"%b","delay":%b,'
            b'"label_source":%b%d}'
        ) % (
            status.encode(),
            entry.revision,
            event,
            label.value,
            _time(label.ts),
            _ENCODE(round(label.ts - entry.ts, 6)),
            self._sources[log],
            label.offset,
        )

    def unmatched(self, names: tuple[str, str], label: Label, log: int) -> bytes:
        """Return all that is said of a label without its event."""
        return (
            b'"status":"unmatched","revision":0,"model_id":%b,"event_id":%b,'
            b'"label":%b,"label_ts":"%b","label_source":%b%d}'
        ) % (
            _ENCODE(names[0]),
            _ENCODE(names[1]),
            label.value,
            _time(label.ts),
            self._sources[log],
            label.offset,
        )

    def counts(self, model_id: str, ts: float, table: Table) -> bytes:
        """Return an outcome that is about many events: how many of each part have a label."""
        return b'"status":"coverage","revision":0,"model_id":%b,"ts":"%b","coverage":%b' % (
            text(model_id),
            _time(ts),
            _ENCODE(table),
        )


def text(value: str) -> bytes:
    """Write a text as JSON."""
    return _ENCODE(value)


def value(given: Any) -> bytes:
    """Write a label as JSON; equal labels give equal bytes."""
    return _ENCODE(given)


def body(event: Any, prediction: Any) -> bytes:
    """Write what an outcome says of an event beside its names and time, without braces."""
    return _ENCODE(_Body(event.model_version, event.tags, event.features, prediction))[1:-1]


def _time(seconds: float) -> bytes:
    """Write an instant as `format_timestamp` does."""
    whole = int(seconds)
    micros = round((seconds - whole) * 1e6)
    if 0 <= micros < _MICROS:
        return b"%b%06dZ" % (_second(whole), micros)
    return format_timestamp(EPOCH + timedelta(seconds=seconds)).encode()


# Events and labels of a stream are of few seconds; their text is half of what an outcome costs.
@lru_cache(maxsize=4096)
def _second(seconds: int) -> bytes:
    return format_timestamp(EPOCH + timedelta(seconds=seconds))[: -len("000000Z")].encode()
