"""Publish labels that cannot be read, and alerts about the models that have many of them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from streamproc.alerting.input_alerts import unreadable_labels_alert
from streamproc.alerting.origin import Origin
from streamproc.config.config import Config
from streamproc.decode.unreadable_share import UnreadableShare
from streamproc.join.entry import InputLog
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter, Record


class Outbox(Protocol):
    """What publishes alerts and dead letters."""

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> object:
        """Publish them; the cluster has confirmed them when this returns."""


class UnreadableLabels:
    """Publish the labels of one partition that cannot be read, and count them by model.

    The counts are not stored: the next owner of the partition counts again from where it goes on.

    Parameters
    ----------
    config
        The configuration.
    partition
        Number of the partition.
    outbox
        Publishes dead letters and alerts.
    alerted
        Called with the detector of each alert.
    """

    def __init__(
        self, config: Config, partition: int, outbox: Outbox, alerted: Callable[[str], None]
    ) -> None:
        self._config, self._outbox, self._alerted = config, outbox, alerted
        self._place = config.topics.full_name("labels"), partition
        self._share = UnreadableShare()

    async def publish(
        self, records: Sequence[tuple[InputLog, Record]], letters: Sequence[DeadLetter]
    ) -> None:
        """Publish the dead letters of records that were joined, and the alerts about them.

        Parameters
        ----------
        records
            All records, in the order of joining.
        letters
            Of the labels that could not be read.
        """
        await self._outbox.publish(list(self._look(records, letters)), letters)

    def _look(
        self, records: Sequence[tuple[InputLog, Record]], letters: Sequence[DeadLetter]
    ) -> Iterator[AlertEvent]:
        if not letters and not self._share.models:
            return
        labels = [record for log, record in records if log is InputLog.LABELS]
        for found in self._share.look(labels, letters, self._config.limits.record_bytes):
            record = labels[found.position]
            origin = Origin(*self._place, record.offset, 0, record.timestamp / 1000, None)
            model = self._config.model(found.model)
            alert = unreadable_labels_alert(found, model, origin, datetime.now(UTC))
            found.share.incident = alert.incident_id
            self._alerted(alert.detector)
            yield alert
