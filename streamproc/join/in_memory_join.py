"""Events and labels in the order in which they are given, to the outcomes that they make."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.schemas.records import DeadLetter, Record


class JoinedRecord(NamedTuple):
    """A record of the outcomes.

    Attributes
    ----------
    position
        Of the record that led to it, among those that were given.
    offset
        Its place in its partition, counted from 0.
    key, value
        As in a topic.
    """

    position: int
    offset: int
    key: bytes
    value: bytes


class JoinedLog:
    """The outcomes of one partition, for who has no topic of them; all of it is in memory.

    Parameters
    ----------
    config
        The whole configuration.
    partition
        Its number.
    asks
        Whether the events of a model are told when they come.
    """

    def __init__(self, config: Config, partition: int, asks: Callable[[str], bool]) -> None:
        self._join = Join(config, partition, asks=asks)
        self._next = 0

    def process(
        self, records: Sequence[tuple[InputLog, Record]]
    ) -> tuple[list[JoinedRecord], list[DeadLetter]]:
        """Take the next records; return what they lead to, and the labels that are none."""
        joined = self._join.process(records)
        first, self._next = self._next, self._next + len(joined.drafts)
        found = [
            JoinedRecord(draft.position, offset, draft.model_id.encode(), draft.numbered(0, offset))
            for offset, draft in enumerate(joined.drafts, first)
        ]
        return found, joined.dead_letters
