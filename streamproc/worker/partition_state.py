"""Hold the state of a partition between its slices."""

from streamproc.pipeline.partition import PartitionMonitor
from streamproc.worker.snapshots.snapshots import SnapshotState

__all__ = ["PartitionState"]


class PartitionState:
    """The state of a partition, and the offset after the last record in it.

    Attributes
    ----------
    published_to
        Offset before which an earlier owner has published everything, since it committed it.
    settled
        Whether all output of the state is published: only then may a snapshot be written.
    rewound
        Whether the committed offset belonged to another log.
    missed
        Offset from which on records were not delivered, or -1; how often they were read again.
    rereading
        Whether the partition's position is still to be set to that offset.
    keeper
        State of its snapshots; None if none are written.
    """

    def __init__(
        self, shard: PartitionMonitor, following: int | None = None, published_to: int = 0
    ) -> None:
        self.shard = shard
        self.next = following
        self.published_to = published_to
        self.settled = True
        self.rewound = False
        self.missed = -1, 0
        self.rereading = False
        self.keeper: SnapshotState | None = None
