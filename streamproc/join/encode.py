"""Encode outcomes as JSON by hand, tens of thousands a second."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from streamproc.join.coverage import Table
from streamproc.join.entry import JoinEntry, Label
from streamproc.join.prediction_windows import TagColumns, Window
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.timestamps import EPOCH, format_timestamp

_ENCODE: Final = msgspec.json.Encoder().encode
ASKED: Final = b'"status":"asked","revision":0,'
"""First fields of an outcome that asks for a prediction of an event."""
_MICROS: Final = 1_000_000


class UnsequencedOutcome(Struct, gc=False, frozen=True):
    """An outcome without epoch and sequence number.

    Attributes
    ----------
    outcome_id
        Equal for the same model, event and revision.
    model_id, status
        As in the outcome.
    position
        Index of the record that led to it, within the batch.
    fields
        The other fields of the outcome as JSON, without braces.
    """

    outcome_id: str
    model_id: str
    status: OutcomeStatus
    position: int
    fields: bytes

    def numbered(self, epoch: int, seq: int, group: bytes = b"null") -> bytes:
        """Return the outcome as JSON; `group` is JSON, too."""
        name = self.outcome_id.encode()  # of letters, digits and dashes
        return b'{"outcome_id":"%b","epoch":%d,"seq":%d,"group":%b,%b}' % (
            *(name, epoch, seq, group, self.fields),
        )


class _Body(Struct, gc=False, omit_defaults=True):
    model_version: str | None
    tags: dict[str, str] | None
    features: dict[str, Any] | None
    prediction: Any = None


class OutcomeEncoder:
    """Encode the outcomes of one partition.

    Parameters
    ----------
    names
        Names of the three input topics.
    partition
        Partition number, the same in all of them.
    """

    def __init__(self, names: tuple[str, str, str], partition: int) -> None:
        self._sources = [
            b'{"topic":%b,"partition":%d,"offset":' % (text(name), partition) for name in names
        ]

    def event(self, names: tuple[str, str | None], entry: JoinEntry, fields: bytes) -> bytes:
        """Return an outcome's fields about its event.

        Parameters
        ----------
        names
            Ids of the model and of the event.
        entry
            The event.
        fields
            The event's own fields as JSON; empty if they were removed.
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
        """Return the fields about an event and its label; `event` is from `event`."""
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
        """Return the fields about a label without its event."""
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
        """Return the fields of a coverage outcome: how many events of each cohort have a label."""
        return b'"status":"coverage","revision":0,"model_id":%b,"ts":"%b","coverage":%b' % (
            text(model_id),
            _time(ts),
            _ENCODE(table),
        )

    def predictions(
        self,
        names: tuple[str, str | None],
        ts: float,
        source: tuple[int, int],
        window: Window,
        segments: TagColumns,
    ) -> bytes:
        """Return the fields of a prediction window.

        Parameters
        ----------
        names
            Model id and version.
        ts
            Time of its last prediction, seconds since 1970.
        source
            Log and offset of its last prediction.
        window
            The predictions, in log order.
        segments
            Their tags.
        """
        model_id, version = names
        return (
            b'"status":"coverage","revision":0,"model_id":%b%b,"ts":"%b","event_source":%b%d}'
            b',"predictions":%b%b'
        ) % (
            _ENCODE(model_id),
            b"" if version is None else b',"model_version":' + _ENCODE(version),
            _time(ts),
            self._sources[source[0]],
            source[1],
            _ENCODE(window),
            b',"segments":' + _ENCODE(segments) if segments else b"",
        )


def text(value: str) -> bytes:
    """Encode a text as JSON."""
    return _ENCODE(value)


def value(given: Any) -> bytes:
    """Encode a label as JSON; equal labels give equal bytes."""
    return _ENCODE(given)


def body(event: Any, prediction: Any) -> bytes:
    """Encode the fields of an event besides its ids and time, without braces."""
    return _ENCODE(_Body(event.model_version, event.tags, event.features, prediction))[1:-1]


def _time(seconds: float) -> bytes:
    """Encode an instant as `format_timestamp` does."""
    integral = int(seconds)
    micros = round((seconds - integral) * 1e6)
    if 0 <= micros < _MICROS:
        return b"%b%06dZ" % (_second(integral), micros)
    return format_timestamp(EPOCH + timedelta(seconds=seconds)).encode()


# Times in a stream share few seconds, and formatting them is half of the cost of an outcome.
@lru_cache(maxsize=4096)
def _second(seconds: int) -> bytes:
    return format_timestamp(EPOCH + timedelta(seconds=seconds))[: -len("000000Z")].encode()
