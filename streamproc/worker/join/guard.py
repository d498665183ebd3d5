"""Notice that a joined topic was rewound, or that records were gone before they were joined."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamproc.alerting.alert_builder import state_gap
from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.kafka.errors import LogRewoundError
from streamproc.kafka.log_watch import LogWatch
from streamproc.schemas.records import Record
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.store import StorePosition
from streamproc.worker.log_marks import LogChecker, RecordMark, contradicted, mark_of
from streamproc.worker.publisher import AlertPublisher

_log = logging.getLogger(__name__)


class InputGuard:
    """Checks what the join of one partition reads, and tells what it missed.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Where alerts go.
    metrics
        What is counted.
    """

    def __init__(self, config: Config, outbox: AlertPublisher, metrics: JoinMetrics) -> None:
        self._config = config
        self._outbox = outbox
        self._metrics = metrics
        self._logs = LogChecker(config)
        self._watch: LogWatch | None = None
        self._next: dict[TopicPartition, int] = {}
        self._marks: dict[TopicPartition, RecordMark | None] = {}

    def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Watch the fetches of a consumer that was started."""
        self._watch = LogWatch(consumer)

    def begin(self, home: TopicPartition, offset: int, mark: RecordMark | None) -> None:
        """Expect records from an offset on, behind the one of a mark."""
        self._next[home], self._marks[home] = offset, mark

    async def rewound(
        self, homes: Mapping[InputLog, TopicPartition], place: StorePosition
    ) -> list[InputLog]:
        """Return the logs whose last record that was joined is not there any more."""
        marks = {
            (homes[log].topic, homes[log].partition): mark
            for log, mark in place.marks.items()
            if log in homes
        }
        gone = await contradicted(self._config, marks)
        return [log for log, home in homes.items() if (home.topic, home.partition) in gone]

    async def check(self, home: TopicPartition, records: Sequence[Record]) -> None:
        """Take the next records of a log.

        Raises
        ------
        LogRewoundError
            If the log is not the one that was read before.
        """
        if self._watch is None:
            return
        partition, first = (home.topic, home.partition), records[0].offset
        doubt, mark = self._watch.take(partition, first), self._marks.get(home)
        if doubt.suspect and mark is not None and not await self._logs.same(partition, mark):
            raise LogRewoundError(
                f"{home.topic}-{home.partition} no longer has the last record read, offset"
                f" {mark.offset}: the topic was restored, truncated or recreated"
            )
        following = self._next.get(home, first)
        if doubt.out_of_range is not None and first > following:
            await self.tell_gone(home, following, first)
        self._next[home], self._marks[home] = records[-1].offset + 1, mark_of(records[-1])

    async def tell_gone(self, home: TopicPartition, start: int, stop: int) -> None:
        """Tell that records between two offsets were gone before they were joined."""
        text = f"records {start} to {stop - 1} were deleted before they were joined"
        await self._tell(home, (start, stop), text)

    async def tell_rewound(self, home: TopicPartition, span: tuple[int, int]) -> None:
        """Tell that a log is another one than the one that was joined, and where it begins."""
        text = (
            "the topic was restored, truncated or recreated, and joined records up to offset"
            f" {span[0]} no longer exist; the join reads it from its beginning"
        )
        await self._tell(home, span, text)

    async def _tell(self, home: TopicPartition, span: tuple[int, int], reason: str) -> None:
        alert = state_gap((home.topic, home.partition), span, reason, datetime.now(UTC), "join")
        _log.error("%s", alert.message)
        self._metrics.state_gap()
        await self._outbox.publish([alert], [])
