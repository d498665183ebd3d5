"""Notice that most records of a model cannot be read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from streamproc.decode.payloads import WHOLE_RECORD, event_count
from streamproc.schemas.records import DeadLetter, Record

MORE_UNREADABLE: Final = 10
"""By how many the records that cannot be read outnumber the others, before that is reported."""
WINDOW: Final = 100
"""Records after which the counts start again, and records in a row that end an incident."""
# Keys are what producers send: an error in one that keys by request must not fill the memory.
MAX_MODELS: Final = 1000
OTHERS: Final = "*"
"""Stands for records without a key of a model, and for those whose keys are too many."""
_MAX_NAME: Final = 255  # characters of a model id, of at most four bytes each


class Share(msgspec.Struct, array_like=True):
    """Records of a model since one of them could not be read.

    Attributes
    ----------
    unreadable, read
        Number of records.
    incident
        Id of the incident that reports them; None: there is none.
    """

    unreadable: int = 0
    read: int = 0
    incident: str | None = None


class Finding(NamedTuple):
    """Most records of a model are unreadable, or a model's records are read again.

    Attributes
    ----------
    position
        Of the record in the slice.
    model
        Key of the records.
    share
        The counts; the caller sets its incident.
    letter
        The last dead letter; None: the records are read again.
    """

    position: int
    model: str
    share: Share
    letter: DeadLetter | None


class UnreadableShare:
    """Count the records that cannot be read, by their key.

    Counting starts with a record that cannot be read, so that a log without such records costs
    nothing. A record of several events counts as unreadable if half of them are.

    Attributes
    ----------
    models
        Models with such records.
    """

    def __init__(self) -> None:
        self.models: dict[str, Share] = {}

    def look(
        self, records: Sequence[Record], letters: Sequence[DeadLetter], longest: int
    ) -> Iterator[Finding]:
        """Count the records of a slice, in their order.

        Parameters
        ----------
        records
            The slice.
        letters
            Its dead letters.
        longest
            `limits.record_bytes`.

        Yields
        ------
        Finding
            Each once: among at most `WINDOW` records those that cannot be read outnumber the others
            by `MORE_UNREADABLE`, or `WINDOW` in a row were read afterwards.
        """
        if not letters and not self.models:
            return
        lost = Counter(letter.offset for letter in letters)
        last = {letter.offset: letter for letter in letters}
        for position, record in enumerate(records):
            letter = last.get(record.offset)
            if letter is not None and not _is_most(record, letter, lost[record.offset], longest):
                letter = None
            name = self._name(record.key, begins=letter is not None)
            if name is not None:
                yield from self.count(position, name, letter)

    def _name(self, key: bytes | None, *, begins: bool) -> str | None:
        """Return under which name a record is counted; None: it is not."""
        models, name = self.models, OTHERS
        if key and len(key) <= 4 * _MAX_NAME:
            text = key.decode("utf-8", "replace")
            is_new = begins and len(models) < MAX_MODELS and len(text) <= _MAX_NAME
            if text in models or is_new:
                name = text
        return name if begins or name in models else None

    def count(self, position: int, name: str, letter: DeadLetter | None) -> Iterator[Finding]:
        """Count a record, whose dead letter is None if it was read; yield one finding or none."""
        share = self.models.setdefault(name, Share())
        if share.incident is not None:
            share.read = 0 if letter is not None else share.read + 1
            if share.read == WINDOW:
                del self.models[name]
                yield Finding(position, name, share, None)
            return
        share.unreadable += letter is not None
        share.read += letter is None
        if letter is not None and share.unreadable >= share.read + MORE_UNREADABLE:
            yield Finding(position, name, share, letter)
            share.read = 0
        elif share.unreadable + share.read == WINDOW:
            del self.models[name]


def _is_most(record: Record, letter: DeadLetter, lost: int, longest: int) -> bool:
    """Whether at least half of the events of a record could not be read."""
    return letter.index == WHOLE_RECORD or 2 * lost >= event_count(record, longest)
