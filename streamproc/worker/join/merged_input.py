"""Read the topics of one partition in the order in which their records were produced."""

import time
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamproc.join.entry import InputLog
from streamproc.join.merge_order import Merge
from streamproc.schemas.records import Record
from streamproc.worker.join.guard import InputGuard
from streamproc.worker.offsets import readable_end

# How long to wait at the end of a log: records that were written before those of other logs have
# arrived by then.
GRACE_SECONDS: Final = 0.1
# Fetches of two brokers that are sent at one moment are answered within this time.
_ANSWER_SECONDS: Final = 0.02
# Records arrive within this time of their timestamp; longer waits mean future timestamps.
HOLD_SECONDS: Final = 1.0
# Longest wait for records, after which the end of each log and what is due are looked at again.
IDLE_MS: Final = 250


class MergedInput:
    """Read the topics of one partition, merged by the times at which records were produced.

    Parameters
    ----------
    homes
        The partition of each topic.
    guard
        Checks the records that were fetched.
    linger
        Seconds between two fetches while records come (`pace_fetches`).
    """

    def __init__(
        self, homes: Mapping[InputLog, TopicPartition], guard: InputGuard, linger: float
    ) -> None:
        self._homes = homes
        self._guard = guard
        self._grace = max(GRACE_SECONDS, linger + _ANSWER_SECONDS)
        self._merge = Merge(homes)
        self._ended: dict[InputLog, float] = {}  # when a log was read to its end
        self._round = time.monotonic()
        self._read_to_end: set[InputLog] = set()

    def empty(self) -> set[InputLog]:
        """Return the logs without fetched records that wait."""
        return self._merge.empty()

    async def next(self, consumer: AIOKafkaConsumer, limit: int) -> list[tuple[InputLog, Record]]:
        """Return the next records whose order is final; fetch more if there are none.

        Parameters
        ----------
        consumer
            A consumer of the partitions.
        limit
            Number of records to stop at; records of one millisecond stay together.

        Raises
        ------
        LogRewoundError
            If a log was replaced.
        """
        taken = self._merge.take(self._ended_long_enough(), limit)
        if taken:
            return taken
        homes = {self._homes[log]: log for log in self._merge.short(limit)}
        found = await consumer.getmany(*homes, timeout_ms=self._patience_ms(), max_records=limit)
        doubts = self._guard.doubts(found)  # before anything else is fetched
        for (home, batch), doubt in zip(found.items(), doubts, strict=True):
            await self._guard.check(home, batch, doubt)
            self._merge.add(homes[home], batch)
        now = time.monotonic()
        for log, home in self._homes.items():
            if not await _at_end(consumer, home):
                self._ended.pop(log, None)
                continue
            self._read_to_end.add(log)
            if home in found or log not in self._ended:
                self._ended[log] = now
        self._release_when_due(now)
        return []

    def _release_when_due(self, now: float) -> None:
        """Release records with future timestamps once each log was read to its end."""
        if len(self._read_to_end) == len(self._homes) and now - self._round >= HOLD_SECONDS:
            self._merge.release()
            self._round = now
            self._read_to_end.clear()

    def _ended_long_enough(self) -> set[InputLog]:
        """Return the logs for whose next records nothing waits."""
        now = time.monotonic()
        return {log for log, since in self._ended.items() if now - since >= self._grace}

    def _patience_ms(self) -> int:
        """Return how long to wait for records: until some that are here may be released."""
        if len(self._merge.empty()) == len(self._homes):
            return IDLE_MS
        now = time.monotonic()
        waits = [self._grace - (now - since) for since in self._ended.values()]
        return min([IDLE_MS, *(int(wait * 1000) + 1 for wait in waits if wait > 0)])


async def _at_end(consumer: AIOKafkaConsumer, home: TopicPartition) -> bool:
    end = readable_end(consumer, home)
    return end is not None and await consumer.position(home) >= end
