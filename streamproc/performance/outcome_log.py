"""Filter the records of `outcomes` that count: the rule that all of its readers share.

A partition has one writer at a time. A new writer takes a larger *epoch*, writes a mark that starts
it, and numbers its records from 0. A record counts if its (epoch, number) is above that of all
records before it: this fences older writers and drops repeated records.

Several consumer groups may write to one topic. Each has separate epochs and numbers, and reads only
its group's records. Records and marks without a group are from versions before groups were written;
they count for every group.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from streamproc.decode.structs import DECODE_ERRORS
from streamproc.schemas.outcomes import (
    COMMAND_HEADER,
    EPOCH_HEADER,
    GROUP_HEADER,
    OutcomeStatus,
)
from streamproc.schemas.records import Record

MAX_COUNT: Final = 2**63 - 1
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
"""A number that fits into 64 signed bits, as states store it."""


class RecordPosition(Struct, gc=False, frozen=True):
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int


class OutcomeFields(Struct, gc=False, kw_only=True):
    """The fields of an `OutcomeEvent` that online models read."""

    epoch: Count
    seq: Count
    status: OutcomeStatus
    model_id: str
    group: str | None = None
    event_id: str | None = None
    ts: datetime | None = None
    model_version: str | None = None
    tags: dict[str, str] | None = None
    features: dict[str, float | bool | str | list[float] | None] | None = None
    prediction: float | bool | str | dict[str, float] | None = None
    label: float | bool | str | None = None


class OutcomeRow(OutcomeFields, gc=False, kw_only=True):
    """All fields of an `OutcomeEvent`; decoding takes three times as long."""

    outcome_id: str
    revision: int
    label_ts: datetime | None = None
    delay: float | None = None
    event_source: RecordPosition | None = None
    label_source: RecordPosition | None = None


class ModelCommand(Struct, gc=False, kw_only=True, frozen=True):
    """The payload of a promote or rollback command (`Choice`), with its id and verb."""

    id: str
    verb: str
    model_id: str
    segment: dict[str, str] | None = None
    version: int | None = None


class CommandRow(Struct, gc=False, kw_only=True):
    """An operator's command for the models of a partition, as a record among its outcomes."""

    epoch: Count
    seq: Count
    command: ModelCommand
    group: str | None = None


class AcceptedRecord(Struct, gc=False):
    """A record that counts.

    Attributes
    ----------
    position
        Index among the records that were read.
    offset
        Offset in the partition.
    row
        The decoded record.
    """

    position: int
    offset: int
    row: OutcomeFields | CommandRow


_COMMAND: Final = msgspec.json.Decoder(CommandRow)


class OutcomeLog:
    """Read one partition of `outcomes`.

    Parameters
    ----------
    epoch, seq
        Those of the last record that counted; a reader stores both to resume.
    row
        Which fields of each outcome are decoded.
    group
        Consumer group to read the records of; None for all groups, as if they had one writer.

    Attributes
    ----------
    unreadable : int
        Records that could not be decoded; they are skipped.
    """

    def __init__(
        self,
        epoch: int = -1,
        seq: int = -1,
        row: type[OutcomeFields] = OutcomeRow,
        group: str | None = None,
    ) -> None:
        self.group = group
        self.epoch = epoch
        self.seq = seq
        self.unreadable = 0
        self._decode = msgspec.json.Decoder(row).decode

    def read(self, records: Sequence[Record]) -> list[AcceptedRecord]:
        """Return the records that count, in log order."""
        found = []
        decode = self._decode
        for position, record in enumerate(records):
            row: OutcomeFields | CommandRow | None
            if record.headers:
                row = self._marked(record)
            else:
                try:
                    row = decode(record.value or b"")
                except DECODE_ERRORS:
                    row = None
                    self.unreadable += 1
            if row is None:
                continue
            if row.epoch == self.epoch and row.seq > self.seq and row.group == self.group:
                self.seq = row.seq  # as `counts` would, for the next record of the same writer
            elif not self.counts(row.epoch, row.seq, row.group):
                continue
            found.append(AcceptedRecord(position, record.offset, row))
        return found

    def counts(self, epoch: int, seq: int, group: str | None = None) -> bool:
        """Advance to the next record's epoch and number; return whether the record counts."""
        if self._of_others(group):
            return False
        if epoch < self.epoch or (epoch == self.epoch and seq <= self.seq):
            return False
        self.epoch, self.seq = epoch, seq
        return True

    def begin(self, mark: bytes | None, group: bytes | None = None) -> None:
        """Start a writer's epoch: later records of earlier writers do not count.

        Parameters
        ----------
        mark
            The epoch, as decimal digits.
        group
            Consumer group of the writer; None if the mark does not name it.

        Raises
        ------
        ValueError
            If the mark is not a number from 0 to `MAX_COUNT`.
        """
        epoch = int(mark or b"")
        if epoch > MAX_COUNT:
            msg = f"epoch {epoch} is above the maximum {MAX_COUNT}"
            raise ValueError(msg)
        if epoch > self.epoch and not self._of_others(None if group is None else group.decode()):
            self.epoch, self.seq = epoch, -1

    def _of_others(self, group: str | None) -> bool:
        return group is not None and self.group is not None and group != self.group

    def _marked(self, record: Record) -> OutcomeFields | CommandRow | None:
        """Read a record with headers: a mark, a command or an outcome."""
        headers = dict(record.headers)
        try:
            if EPOCH_HEADER in headers:
                self.begin(headers[EPOCH_HEADER], headers.get(GROUP_HEADER))
                return None
            if COMMAND_HEADER in headers:
                return _COMMAND.decode(record.value or b"")
            return self._decode(record.value or b"")
        except (*DECODE_ERRORS, ValueError):
            self.unreadable += 1
            return None
