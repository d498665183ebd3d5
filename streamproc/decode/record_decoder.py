"""Decode one record into events grouped by layout, and undecodable ones into dead letters."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatches
from streamproc.decode.duplicate_keys import find_duplicate_key
from streamproc.decode.event_batcher import EventBatcher
from streamproc.decode.lenient import Note
from streamproc.decode.payloads import (
    WHOLE_RECORD,
    bodies,
    letter_headers,
    original_value,
    table_of,
)
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.decode.unreadable import UnreadableError
from streamproc.decode.validation import validate
from streamproc.schemas.records import DeadLetter, Reason, Record, SliceResult

# Numbers in the matrices of pending events (32 MiB): one record can hold tens of thousands of
# events, each with a column for every feature that its model ever had.
MAX_WAITING = 2**22


class RecordDecoder(EventBatcher, ABC):
    """Decode records one by one; see `EventBatcher` for the parameters."""

    def _read_any(
        self, records: Sequence[Record], position: int, batches: LayoutBatches, outcome: SliceResult
    ) -> None:
        record = records[position]
        try:
            if record.headers and (table := table_of(record, self._limits.record_bytes)):
                self._read_table(table, records, position, batches, outcome)
                return
            found = bodies(record, self._limits.record_bytes, strict=self._lenient is None)
        except UnreadableError as error:
            why_not = error.reason, error.detail
            self._refuse(record, WHOLE_RECORD, original_value(record), why_not, outcome)
            return
        for index, body in found:
            self._read_event(records, position, index, body, batches, outcome)

    @abstractmethod
    def _read_table(
        self,
        table: Any,
        records: Sequence[Record],
        position: int,
        batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        """Decode the rows of a record of Arrow."""

    def _read_event(
        self,
        records: Sequence[Record],
        position: int,
        index: int,
        body: bytes,
        batches: LayoutBatches,
        outcome: SliceResult,
        digest: int | None = None,
    ) -> None:
        """Decode one event of a record; its digest is that of its bytes, unless it is given."""
        record = records[position]
        try:
            event, notes = self._decode(body)
        except DECODE_ERRORS as error:
            self._refuse(record, index, body, classify_error(error, body), outcome)
            return
        wrong = validate(event, record, self._limits)
        if wrong is None and position in self._doubtful:
            wrong = find_duplicate_key(body)
        if wrong is not None:
            self._refuse(record, index, body, wrong, outcome)
            return
        if event.event_id is not None and self.recent.seen(body, digest):
            outcome.repeated += 1
            return
        place = (position << PLACE_BITS) + max(index, 0)
        self._put(event, place, batches, records, outcome)
        if notes:
            self._note(notes, event, place, record, outcome)
        if self._waiting > MAX_WAITING:
            self._hand_over(batches, records, outcome)

    def _decode(self, body: bytes) -> tuple[Any, Sequence[Note]]:
        """Decode one event, leniently if the strict decoder rejects it.

        Raises
        ------
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError
            If it cannot be decoded.
        """
        try:
            return self._any.decode(body), ()
        except DECODE_ERRORS:
            if self._lenient is None:
                raise
        return self._lenient.decode(body)

    def _refuse(
        self,
        record: Record,
        index: int,
        body: bytes | None,
        why_not: tuple[Reason, str],
        outcome: SliceResult,
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
                headers=letter_headers(record, index),
            )
        )
