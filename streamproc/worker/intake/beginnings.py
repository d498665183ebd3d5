"""Begin topics with `begin: latest` at their end when the group reads them for the first time."""

import logging
from collections.abc import Collection, Iterable, Mapping

from aiokafka import TopicPartition
from faust.types import TP

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.group_offsets import committed_topics

_log = logging.getLogger(__name__)


class Beginnings:
    """Where the group begins partitions that it has not committed.

    Only topics that are there when the worker starts, and of which no partition was ever committed,
    are begun at their end. Partitions and topics that are added later are read whole: what is
    written until they are noticed would be lost.

    Parameters
    ----------
    config
        The configuration, with the consumer group of the intake.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._skipped: frozenset[str] | None = None

    async def look(self, topics: Iterable[str]) -> None:
        """Find the topics to begin at their end, at the first call; later ones change nothing."""
        if self._skipped is not None:
            return
        wanted = {topic for topic in topics if self._begins_late(topic)}
        if wanted:
            wanted -= await committed_topics(self._config)
        self._skipped = frozenset(wanted)

    def _begins_late(self, topic: str) -> bool:
        entry = next((e for e in self._config.intake if e.source.matches(topic)), None)
        return entry is not None and entry.begin == "latest"

    async def offsets(
        self, committed: Mapping[TP, int | None], _: Collection[TP]
    ) -> Mapping[TP, int]:
        """Return where to begin partitions of such topics; it is committed at once.

        That is why beginnings are returned, too: after a restart a topic without a commit counts
        as one that was there before.
        """
        fresh = [
            TopicPartition(*tp)
            for tp, offset in committed.items()
            if offset is None and self._begins_late(tp.topic)
        ]
        if not fresh:
            return {}
        skipped = [tp for tp in fresh if tp.topic in (self._skipped or ())]
        async with open_consumer(self._config, *{tp.topic for tp in fresh}) as consumer:
            found: dict[TopicPartition, int] = await consumer.beginning_offsets(fresh)
            found |= await consumer.end_offsets(skipped)
        for tp in skipped:
            _log.info("intake: %s-%d begins at its end, offset %d", *tp, found[tp])
        return {TP(*tp): offset for tp, offset in found.items()}
