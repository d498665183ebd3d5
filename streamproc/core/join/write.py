"""Outcomes as JSON, written by hand: there are tens of thousands a second."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from streamproc.contract.outcomes import OutcomeStatus
from streamproc.contract.timestamps import EPOCH, format_timestamp
from streamproc.core.join.coverage import Table
from streamproc.core.join.entry import Entry, Label

_ENCODE: Final = msgspec.json.Encoder().encode
_MICROS: Final = 1_000_000


class Draft(Struct, gc=False, frozen=True):
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

    def numbered(self, epoch: int, seq: int) -> bytes:
        """Return the outcome as JSON."""
        return b'{"outcome_id":%b,"epoch":%d,"seq":%d,%b}' % (
            text(self.outcome_id),
            epoch,
            seq,
            self.rest,
        )


class _Body(Struct, omit_defaults=True):
    model_version: str | None
    tags: dict[str, str] | None
    features: dict[str, Any] | None
    prediction: Any = None


class Writer:
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

    def settled(
        self,
        names: tuple[str, str],
        status: OutcomeStatus,
        entry: Entry,
        label: Label,
        log: int,
        body: bytes,
    ) -> bytes:
        """Return all that is said of an event and its label: `head` and `tail` in one step."""
        return (
            b'"status":"%b","revision":%d,"model_id":%b,"event_id":%b,"ts":"%b",'
            b'"event_source":%b%d}%b%b,"label":%b,"label_ts":"%b","delay":%b,"label_source":%b%d}'
        ) % (
            status.encode(),
            entry.revision,
            _ENCODE(names[0]),
            _ENCODE(names[1]),
            _time(entry.ts),
            self._sources[entry.log],
            entry.offset,
            b"," if body else b"",
            body,
            label.value,
            _time(label.ts),
            _ENCODE(round(label.ts - entry.ts, 6)),
            self._sources[log],
            label.offset,
        )

    def head(
        self,
        names: tuple[str, str | None],
        status: OutcomeStatus,
        revision: int,
        entry: Entry | None,
        body: bytes = b"",
    ) -> bytes:
        """Return the part that is about the event: with its fields or, if they are gone, without.

        Parameters
        ----------
        names
            Of the model and of the event.
        status, revision
            As in the outcome.
        entry
            The event; None if it is not known.
        body
            Its fields.
        """
        model_id, event_id = names
        parts = [b'"status":"%b","revision":%d' % (status.encode(), revision)]
        parts.append(b'"model_id":' + text(model_id))
        if event_id is not None:
            parts.append(b'"event_id":' + text(event_id))
        if entry is not None:
            parts.append(b'"ts":"%b"' % _time(entry.ts))
            parts.append(b'"event_source":%b%d}' % (self._sources[entry.log], entry.offset))
        if body:
            parts.append(body)
        return b",".join(parts)

    def tail(self, label: Label, log: int) -> bytes:
        """Return the part that is about a label without its event, with a comma before it."""
        return b',"label":%b,"label_ts":"%b","label_source":%b%d}' % (
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


def body(event: Any) -> bytes:
    """Write what an outcome says of an event beside its names and time, without braces."""
    prediction = getattr(event, "prediction", None)
    fields = _Body(event.model_version, event.tags, event.features, prediction)
    return _ENCODE(fields)[1:-1]


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
