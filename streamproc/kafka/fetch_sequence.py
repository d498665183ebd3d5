"""Deliver the fetches of one broker one after the other, and request the next ones."""

import time
from collections.abc import Container
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from streamproc.kafka.compat import (
    fetched_records,
    is_paused,
    notify_readers,
    position_of,
    prefetch_backoff,
    request_options,
)
from streamproc.kafka.repeated_fetch import (
    NO_SESSION,
    RepeatedFetch,
    Session,
    requested_offsets,
)

__all__ = ["LARGE_BYTES", "FetchSequence"]

# The first version with a last stable offset, which read-committed consumers need.
_MIN_VERSION: Final = 4
_MAX_EPOCH: Final = (1 << 31) - 1
#: Bytes of a response from which on the general loop continues: there is a backlog.
LARGE_BYTES: Final = 1 << 18


class _Unread(NamedTuple):
    """Stands for fetched records until the consumer's reader replaces it."""

    next_fetch_offset: int


class FetchSequence:
    """Fetches of all partitions that one broker has, in one fetch session if it permits.

    In a session (KIP-227), requests and responses name only the partitions that changed.

    Parameters
    ----------
    fetcher, assignment
        Of the consumer.
    request
        The first fetch, which is outside of the session.
    previous
        Id of a session that this one replaces; 0: there is none.

    Attributes
    ----------
    partitions : frozenset of TopicPartition
        What is fetched.
    session : tuple of int
        Id and epoch of the session; id 0: there is none.
    """

    def __init__(self, fetcher: Any, assignment: Any, request: Any, previous: int) -> None:
        self._fetcher = fetcher
        self._assignment = assignment
        self._asked = request.topics
        self._options = request_options(request)
        self._offsets = dict(requested_offsets(request))
        self._states: dict[tuple[str, int], Any] = {
            partition: assignment.state_value(TopicPartition(*partition))
            for partition in self._offsets
        }
        self._begun = False
        self.session: Session = (previous, 0)
        self.partitions = frozenset(TopicPartition(*partition) for partition in self._offsets)

    def accepts(self, response: Any) -> bool:
        """Whether a response has nothing but records from the present positions."""
        if response.API_VERSION < _MIN_VERSION or not self._assignment.active:
            return False
        if getattr(response, "error_code", 0):  # of the session
            return False
        for topic, parts in response.topics:
            for number, error, *_ in parts:
                position = position_of(self._states[topic, number])
                if error or position != self._offsets[topic, number]:
                    return False
        return True

    def deliver(self, response: Any) -> bool:
        """Give a response's records to the consumer; return whether to repeat the fetch."""
        size, now = 0, int(1000 * time.time())
        for topic, parts in response.topics:
            for number, _, highwater, stable, *_, data in parts:
                state = self._states[topic, number]
                state.highwater, state.lso, state.timestamp = highwater, stable, now
                if data:
                    self._add(TopicPartition(topic, number))
                    size += len(data)
        if size:
            notify_readers(self._fetcher)
        return size < LARGE_BYTES

    def _add(self, tp: TopicPartition) -> None:
        fetcher = self._fetcher
        fetched_records(fetcher)[tp] = FetchResult(
            tp,
            assignment=self._assignment,
            partition_records=_Unread(self._offsets[tp.topic, tp.partition]),
            backoff=prefetch_backoff(fetcher),
        )

    async def following(self, response: Any) -> RepeatedFetch | None:
        """Wait until all records were read; return the request after a response.

        None if they wait for as long as aiokafka would wait with the fetch of other partitions,
        or if a partition cannot be fetched now.
        """
        records, backoff = fetched_records(self._fetcher), prefetch_backoff(self._fetcher)
        if not await records.without(self.partitions, backoff) or not self._assignment.active:
            return None
        changed: set[tuple[str, int]] = set()
        for partition, state in self._states.items():
            position = position_of(state)
            if position is None or is_paused(state):
                return None
            if position != self._offsets[partition]:
                self._offsets[partition] = position
                changed.add(partition)
        found = getattr(response, "session_id", NO_SESSION) if self._begun else NO_SESSION
        if found:
            self.session = found, self.session[1] % _MAX_EPOCH + 1
            return self._request(changed)
        self._begun, self.session = True, (self.session[0], 0)
        return self._request(self._offsets)

    def _request(self, wanted: Container[tuple[str, int]]) -> RepeatedFetch:
        asked = [
            (topic, [self._entry(topic, part) for part in parts if (topic, part[0]) in wanted])
            for topic, parts in self._asked
        ]
        topics = [(topic, parts) for topic, parts in asked if parts]
        return RepeatedFetch(self._options, topics, self._offsets, self.session)

    def _entry(self, topic: str, part: tuple[int, int, int]) -> tuple[int, int, int]:
        number, _, size = part
        return number, self._offsets[topic, number], size
