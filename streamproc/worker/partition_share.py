"""Reports topics with more partitions than the share of `limits.max_series` is made for."""

import logging
from collections.abc import Callable, Mapping

from streamproc.config.config import Config

_log = logging.getLogger(__name__)


class PartitionShare:
    """Compares the partitions of the watched topics with `topics.partitions`.

    A partition's share of `limits.max_series` follows from the configuration alone, so that a
    replay refuses the same series. Where a topic has more partitions, all of them together watch
    more than the limit.

    Parameters
    ----------
    config
        What is configured.
    show
        Gets a topic and how many times `topics.partitions` it has, when that changes.
    """

    def __init__(self, config: Config, show: Callable[[str, float], None]) -> None:
        self._config = config
        self._show = show
        self._counts: dict[str, int] = {}

    def check(self, counts: Mapping[str, int]) -> None:
        """Show the ratio of each topic, and log those that exceed the limit, once a count.

        Parameters
        ----------
        counts
            Partitions by topic; 0 where they are not known.
        """
        configured = self._config.topics.partitions
        for topic, count in counts.items():
            if not count or self._counts.get(topic) == count:
                continue
            self._counts[topic] = count
            self._show(topic, count / configured)
            if count > configured:
                limit = self._config.limits.max_series
                _log.warning(
                    "topic %s has %d partitions and topics.partitions is %d: up to %d series are"
                    " watched, not limits.max_series (%d); set topics.partitions to %d, which"
                    " changes the share of each partition",
                    *(topic, count, configured, limit * count // configured, limit, count),
                )
