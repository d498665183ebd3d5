"""How a partition's state is written down and read back."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from streamproc.state.snapshot_format import Section
from streamproc.worker.snapshots.store import Partition

__all__ = ["Codec", "Decoded"]

S = TypeVar("S")


class Decoded(NamedTuple, Generic[S]):
    """A state as it was written down, and the offset after the last record that is in it."""

    state: S
    next: int


class Codec(Protocol[S]):
    """How a partition's state begins, becomes bytes, and comes back."""

    @property
    def kind(self) -> str:
        """What keys have after the topic's name: which of the states of a log this is."""
        ...

    @property
    def reset_note(self) -> str:
        """Effect of a state that cannot be recovered, as in "its series are reset"."""
        ...

    def fresh(self, partition: Partition) -> S:
        """Give the state of a partition of which nothing was read."""
        ...

    def encode(self, state: S, partition: Partition, following: int) -> Sequence[Section]:
        """Write a state that holds all before an offset, in parts that grow at their end.

        The last one is a digest of all before it.
        """
        ...

    def decode(self, data: bytes, partition: Partition) -> Decoded[S]:
        """Read a state, or raise `SnapshotError`."""
        ...
