"""Encode and decode the online models of a partition."""

import hashlib
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.online.partition_models import PartitionModels
from streamproc.state.snapshot_format import SnapshotError, same_river, versions
from streamproc.worker.snapshots.codec import Decoded
from streamproc.worker.snapshots.store import Partition

SCHEMA: Final = 1
"""Incremented whenever the format changes incompatibly."""
_END: Final = b"\n"
DIGEST_BYTES: Final = 32


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Header of the state: its partition, and the versions that wrote it."""

    schema: int
    topic: str
    partition: int
    next: int
    versions: dict[str, str]


_log = logging.getLogger(__name__)
_HEAD: Final = msgspec.json.Decoder(Head)


class PartitionModelsCodec:
    """Encode a header line, the state, and a digest of both.

    Parameters
    ----------
    config
        The whole configuration: only models with an unchanged one are restored.
    """

    kind = "#models"  # topic names cannot contain "#"
    reset_note = "its online models are reset"

    def __init__(self, config: Config) -> None:
        self._config = config

    def fresh(self, partition: Partition) -> PartitionModels:
        """Return models that have learned nothing."""
        return PartitionModels(self._config, *partition)

    def encode(
        self, state: PartitionModels, partition: Partition, following: int
    ) -> Sequence[bytes]:
        """Encode models that learned from all records before an offset, one section per model."""
        head = msgspec.json.encode(Head(SCHEMA, *partition, following, versions()))
        parts = [head + _END, *state.sections()]
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for part in parts:
            digest.update(part)
        return [*parts, digest.digest()]

    def decode(self, data: bytes, partition: Partition) -> Decoded[PartitionModels]:
        """Decode models.

        Raises
        ------
        SnapshotError
            If the data is damaged, or is from another schema version or partition.
        """
        body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() != digest:
            raise SnapshotError("checksum mismatch: bytes are missing or changed")
        line, _, state = body.partition(_END)
        try:
            head = _HEAD.decode(line)
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"header: {error}") from error
        if head.schema != SCHEMA or (head.topic, head.partition) != partition:
            raise SnapshotError(
                f"it belongs to {head.topic}-{head.partition}, schema {head.schema}; expected"
                f" {partition[0]}-{partition[1]}, schema {SCHEMA}"
            )
        learners = self.fresh(partition)
        try:
            reset = learners.restore(state, same_river=same_river(head.versions))
        except StreamprocError as error:
            raise SnapshotError(str(error)) from error
        if reset:
            _log.warning(
                "reset %d online models of %s-%d: their configuration changed, or they consist of"
                " River's classes and were written with River %s",
                *(reset, *partition, head.versions.get("river")),
            )
        return Decoded(learners, head.next)
