"""Define how a partition's state is encoded to and decoded from a snapshot."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from streamproc.state.snapshot_format import Section
from streamproc.worker.snapshots.store import Partition

__all__ = ["Codec", "Decoded"]

S = TypeVar("S")


class Decoded(NamedTuple, Generic[S]):
    """A decoded state, and the offset after the last record in it."""

    state: S
    next: int


class Codec(Protocol[S]):
    """Creates, encodes and decodes the state of a partition."""

    @property
    def kind(self) -> str:
        """Suffix of the topic's name in keys, which distinguishes the states of one log."""
        ...

    @property
    def reset_note(self) -> str:
        """Effect of a state that cannot be recovered, as in "its series are reset"."""
        ...

    def fresh(self, partition: Partition) -> S:
        """Return the initial state of a partition."""
        ...

    def encode(self, state: S, partition: Partition, following: int) -> Sequence[Section]:
        """Encode a state of all records before an offset, in sections that grow at their end.

        The last section is a digest of the others.
        """
        ...

    def decode(self, data: bytes, partition: Partition) -> Decoded[S]:
        """Decode a state, or raise `SnapshotError`."""
        ...
