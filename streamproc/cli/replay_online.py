"""Replay recorded outcomes through the online models."""

from collections.abc import Sequence
from datetime import UTC, datetime

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.online.partition_models import PartitionModels
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import Record


class ReplayedModels:
    """The online models of a config, for the partitions whose records they are given.

    Parameters
    ----------
    config
        The whole configuration; it may have no online models.

    Examples
    --------
    >>> ReplayedModels(Config()).alerts("outcomes", 0, [])
    []
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._topic = config.topics.full_name(Topic.OUTCOMES.value)
        self._online = any(model.online is not None for model in config.models)
        self._partitions: dict[int, PartitionModels] = {}

    def alerts(self, topic: str, partition: int, records: Sequence[Record]) -> list[AlertEvent]:
        """Return the alerts of the next records of a partition; none for other topics."""
        if topic != self._topic or not self._online:
            return []
        models = self._partitions.get(partition)
        if models is None:
            models = self._partitions[partition] = PartitionModels(self._config, topic, partition)
        return models.process(records, datetime.now(UTC)).alerts
