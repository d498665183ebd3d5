"""Detect that a joined topic was replaced, or lost records before they were joined."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamproc.alerting.system_alerts import state_gap
from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.kafka.errors import LogRewoundError
from streamproc.kafka.log_watch import NO_DOUBT, Doubt, LogWatch
from streamproc.schemas.records import Record
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.store import StorePosition
from streamproc.worker.log_marks import LogChecker, RecordMark, contradicted, mark_of
from streamproc.worker.publisher import AlertPublisher

_log = logging.getLogger(__name__)


class InputGuard:
    """Check the records that the join of one partition reads, and report lost ones.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Publishes the alerts.
    metrics
        Counts the gaps.
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
        """Watch the fetches of a started consumer."""
        self._watch = LogWatch(consumer)

    def begin(self, home: TopicPartition, offset: int, mark: RecordMark | None) -> None:
        """Expect records from an offset on, after the record of a mark."""
        self._next[home], self._marks[home] = offset, mark

    async def rewound(
        self, homes: Mapping[InputLog, TopicPartition], place: StorePosition
    ) -> list[InputLog]:
        """Return the logs whose last joined record was deleted or replaced."""
        marks = {
            (homes[log].topic, homes[log].partition): mark
            for log, mark in place.marks.items()
            if log in homes
        }
        replaced = await contradicted(self._config, marks)
        return [log for log, home in homes.items() if (home.topic, home.partition) in replaced]

    def doubts(self, homes: Iterable[TopicPartition]) -> list[Doubt]:
        """Return the doubts about records that the consumer has just returned."""
        return [
            NO_DOUBT if self._watch is None else self._watch.doubt((home.topic, home.partition))
            for home in homes
        ]

    async def check(self, home: TopicPartition, records: Sequence[Record], doubt: Doubt) -> None:
        """Check the next records of a log.

        Raises
        ------
        LogRewoundError
            If the log was replaced since the last check.
        """
        partition, first = (home.topic, home.partition), records[0].offset
        mark = self._marks.get(home)
        if doubt.suspect and mark is not None and not await self._logs.same(partition, mark):
            raise LogRewoundError(
                f"{home.topic}-{home.partition} no longer has the last record read, offset"
                f" {mark.offset}: the topic was restored, truncated or recreated"
            )
        if self._watch is not None:
            self._watch.settle(partition, doubt)
        following = self._next.get(home, first)
        if doubt.out_of_range is not None and first > following:
            await self.report_deleted(home, following, first)
        self._next[home], self._marks[home] = records[-1].offset + 1, mark_of(records[-1])

    async def report_deleted(self, home: TopicPartition, start: int, stop: int) -> None:
        """Report that records between two offsets were deleted before they were joined."""
        text = f"records {start} to {stop - 1} were deleted before they were joined"
        await self._report(home, (start, stop), text)

    async def report_rewound(self, home: TopicPartition, span: tuple[int, int]) -> None:
        """Report that a log was replaced, and where the new one begins."""
        text = (
            "the topic was restored, truncated or recreated, and joined records up to offset"
            f" {span[0]} no longer exist; the join reads it from its beginning"
        )
        await self._report(home, span, text)

    async def _report(self, home: TopicPartition, span: tuple[int, int], reason: str) -> None:
        alert = state_gap((home.topic, home.partition), span, reason, datetime.now(UTC), "join")
        _log.error("%s", alert.message)
        self._metrics.state_gap()
        await self._outbox.publish([alert], [])
