"""Encode and decode the state of a monitored partition."""

import logging
from collections.abc import Sequence

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode_sections
from streamproc.state.snapshot_format import Section
from streamproc.worker.snapshots.codec import Decoded
from streamproc.worker.snapshots.store import Partition

_log = logging.getLogger(__name__)


class MonitorCodec:
    """Codec of `PartitionMonitor`.

    Parameters
    ----------
    config
        The whole configuration: only series whose detectors are unchanged are restored.
    """

    kind = ""
    reset_note = "its series are reset"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kinds = {config.topics.full_name(kind.value): kind for kind in Topic}

    def fresh(self, partition: Partition) -> PartitionMonitor:
        """Return the initial state of a partition."""
        kind = self._kinds[partition[0]]
        return PartitionMonitor(
            kind, *partition, self._config, self._config.series_limit(kind.value)
        )

    def encode(
        self, state: PartitionMonitor, partition: Partition, following: int
    ) -> Sequence[Section]:
        """Encode a state of all records before an offset."""
        return encode_sections(state, *partition, following)

    def decode(self, data: bytes, partition: Partition) -> Decoded[PartitionMonitor]:
        """Decode a state.

        Raises
        ------
        SnapshotError
            If it cannot be used.
        """
        kind = self._kinds[partition[0]]
        max_series = self._config.series_limit(kind.value)
        found = restore(decode(data), kind, *partition, self._config, max_series)
        if found.reset:
            _log.warning(
                "reset %d series of %s-%d: detector configuration or version changed;"
                " the first is %s of model %s",
                *(len(found.reset), *partition, *reversed(found.reset[0])),
            )
        return Decoded(found.shard, found.next)
