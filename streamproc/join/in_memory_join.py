"""Join events and labels in memory, without topics."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.schemas.records import DeadLetter, Record


class JoinedRecord(NamedTuple):
    """An outcome as a record.

    Attributes
    ----------
    position
        Index of the record that led to it, within the batch.
    offset
        Its offset in the outcomes, from 0.
    key, value
        As on the topic.
    """

    position: int
    offset: int
    key: bytes
    value: bytes


class JoinedLog:
    """Join one partition in memory, and number its outcomes.

    Parameters
    ----------
    config
        The whole configuration.
    partition
        Partition number.
    asks
        Returns whether a model's events are published as outcomes when they come.
    """

    def __init__(self, config: Config, partition: int, asks: Callable[[str], bool]) -> None:
        self._join = Join(config, partition, asks=asks)
        self._next = 0

    def process(
        self, records: Sequence[tuple[InputLog, Record]]
    ) -> tuple[list[JoinedRecord], list[DeadLetter]]:
        """Join the next records; return their outcomes and dead letters."""
        joined = self._join.process(records)
        first, self._next = self._next, self._next + len(joined.drafts)
        found = [
            JoinedRecord(draft.position, offset, draft.model_id.encode(), draft.numbered(0, offset))
            for offset, draft in enumerate(joined.drafts, first)
        ]
        return found, joined.dead_letters
