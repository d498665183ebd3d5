"""Which records of the outcomes count, and what they say: the one rule of all of their readers.

A partition has one writer at a time. Each new one takes a larger *epoch*, begins it with a mark,
and numbers what it writes from 0. So whatever crashes, hangs and comes back, or is sent twice:
a record counts when its (epoch, number) is above that of all records before it.

Several consumer groups may write to one topic: each has writers, epochs and numbers apart from the
others', and reads its own records alone. Records and marks that name no group are of a version that
did not know of this; they count for every group.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from streamproc.decode.structs import DECODE_ERRORS
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.records import Record

EPOCH_HEADER: Final = "epoch"
WRITER_HEADER: Final = "writer"
COMMAND_HEADER: Final = "command"
GROUP_HEADER: Final = "group"

MAX_COUNT: Final = 2**63 - 1
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
"""A number that every form of a state can hold."""


class RecordPosition(Struct, gc=False, frozen=True):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class OutcomeFields(Struct, gc=False, kw_only=True):
    """What learners read of an OutcomeEvent; the contract says what the fields mean."""

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
    """All of it: three times the work of decoding."""

    outcome_id: str
    revision: int
    label_ts: datetime | None = None
    delay: float | None = None
    event_source: RecordPosition | None = None
    label_source: RecordPosition | None = None


class ModelCommand(Struct, gc=False, kw_only=True, frozen=True):
    """A `Choice` of the contract, with the name of the command that said it."""

    id: str
    verb: str
    model_id: str
    segment: dict[str, str] | None = None
    version: int | None = None


class CommandRow(Struct, gc=False, kw_only=True):
    """What an operator asked of a partition's models, in its place among the outcomes."""

    epoch: Count
    seq: Count
    command: ModelCommand
    group: str | None = None


class AcceptedRecord(Struct, gc=False):
    """A record that counts.

    Attributes
    ----------
    position
        Its place among the records that were given.
    offset
        Its place in the log.
    row
        What it says.
    """

    position: int
    offset: int
    row: OutcomeFields | CommandRow


_COMMAND: Final = msgspec.json.Decoder(CommandRow)


class OutcomeLog:
    """Reads one partition of the outcomes.

    Parameters
    ----------
    epoch, seq
        Of the last record that counted; a reader that goes on later has to keep both.
    row
        How much of each outcome is read.
    group
        The consumer group whose records count; None: those of all, as if they had one writer.

    Attributes
    ----------
    unreadable : int
        Records that are no outcomes; they are left out.
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
        """Return what counts of the next records, in their order."""
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
            if row is not None and self.counts(row.epoch, row.seq, row.group):
                found.append(AcceptedRecord(position, record.offset, row))
        return found

    def counts(self, epoch: int, seq: int, group: str | None = None) -> bool:
        """Take the next record's epoch, number and group; return whether it counts."""
        if self._of_others(group):
            return False
        if epoch < self.epoch or (epoch == self.epoch and seq <= self.seq):
            return False
        self.epoch, self.seq = epoch, seq
        return True

    def begin(self, mark: bytes | None, group: bytes | None = None) -> None:
        """Take a writer's mark: what those before it write from here on does not count.

        Parameters
        ----------
        mark
            The epoch.
        group
            The writer's; None: it did not say.

        Raises
        ------
        ValueError
            If it is no number.
        """
        epoch = int(mark or b"")
        if epoch > MAX_COUNT:
            msg = f"an epoch is at most {MAX_COUNT}"
            raise ValueError(msg)
        if epoch > self.epoch and not self._of_others(None if group is None else group.decode()):
            self.epoch, self.seq = epoch, -1

    def _of_others(self, group: str | None) -> bool:
        return group is not None and self.group is not None and group != self.group

    def _marked(self, record: Record) -> OutcomeFields | CommandRow | None:
        """Read a record with headers: a mark, a command, or an outcome after all."""
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
