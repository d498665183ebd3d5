"""Report implausible event times and record timestamps."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from streamproc.join.decode import REPORTED_AHEAD_SECONDS, JoinInput
from streamproc.join.entry import InputLog
from streamproc.schemas.records import Record
from streamproc.worker.join.metrics import JoinMetrics

# Each model is logged once; model names are unbounded.
MAX_LOGGED: Final = 100

_log = logging.getLogger(__name__)


class TimeReports:
    """Count implausible times, and log the first of each model and of each topic.

    Parameters
    ----------
    metrics
        Metrics of the joins.
    """

    def __init__(self, metrics: JoinMetrics) -> None:
        self._metrics = metrics
        self._models: set[str] = set()
        self._topics: set[InputLog] = set()

    def report(
        self,
        implausible: Sequence[JoinInput],
        records: Sequence[tuple[InputLog, Record]],
        now: float,
    ) -> None:
        """Report the implausible times among some records.

        Parameters
        ----------
        implausible
            Events and labels with a `ts` before 1970, or ahead of their record.
        records
            All records that were joined.
        now
            Wall clock, seconds since 1970.
        """
        latest = int((now + REPORTED_AHEAD_SECONDS) * 1000)
        future = [(log, record) for log, record in records if record.timestamp > latest]
        counts = Counter([item.log for item in implausible])
        counts.update([log for log, _ in future])
        for log, count in counts.items():
            self._metrics.implausible(log, count)
        for item in implausible:
            self._log_item(item)
        for log, record in future:
            self._log_record(log, record)

    def _log_item(self, item: JoinInput) -> None:
        if item.model_id in self._models or len(self._models) >= MAX_LOGGED:
            return
        self._models.add(item.model_id)
        _log.warning(
            "model %r: ts %s at offset %d of %s is before 1970 or more than an hour ahead of its"
            " record; check the clock and time zone of its producer (logged once per model)",
            item.model_id,
            item.ts,
            item.offset,
            item.log.name.lower(),
        )

    def _log_record(self, log: InputLog, record: Record) -> None:
        if log in self._topics:
            return
        self._topics.add(log)
        _log.warning(
            "the timestamp %d of offset %d of %s is more than an hour ahead of this worker's"
            " clock; check the clocks of the producer and of this host (logged once per topic)",
            record.timestamp,
            record.offset,
            log.name.lower(),
        )
