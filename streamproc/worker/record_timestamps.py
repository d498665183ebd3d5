"""Choose record timestamps for topics that reject those of this host's clock."""

import logging
import time
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaProducer

# Brokers accept a record without a timestamp for any message.timestamp.after.max.ms; consumers
# see -1, and retention counts from when it was written.
NO_TIMESTAMP: Final = -1
# The clock may be corrected meanwhile.
TRUST_AGAIN_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class RecordStamps:
    """Decide which timestamp the records of a topic are sent with.

    Parameters
    ----------
    monotonic
        Seconds of a monotonic clock.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: dict[str, float] = {}

    def of(self, topic: str) -> int | None:
        """Return the timestamp for a topic's records; None: the clock of this host."""
        until = self._until.get(topic)
        return None if until is None or self._monotonic() >= until else NO_TIMESTAMP

    def refused(self, topic: str, stamp: int | None) -> bool:
        """Note that a topic rejected a timestamp; return whether to send again."""
        if stamp is not None:
            return False
        if topic not in self._until:
            _log.error(
                "topic %s rejects the timestamps of this host's clock (ahead by more than the"
                " topic's message.timestamp.after.max.ms, or behind by more than its"
                " message.timestamp.before.max.ms): writing records without timestamps meanwhile;"
                " correct the clock",
                topic,
            )
        self._until[topic] = self._monotonic() + TRUST_AGAIN_SECONDS
        return True


_stamps: Final[WeakKeyDictionary[AIOKafkaProducer, RecordStamps]] = WeakKeyDictionary()


def stamps_of(producer: AIOKafkaProducer) -> RecordStamps:
    """Return the timestamp choices for the topics of a producer."""
    return _stamps.setdefault(producer, RecordStamps())
