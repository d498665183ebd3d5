"""Fetch requests that name only what changed since the previous one of the same session."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.protocol.fetch import FetchRequest

__all__ = ["NO_SESSION", "Offsets", "RepeatedFetch", "Session", "requested_offsets"]

#: Requested offset of each topic and partition number.
Offsets = Mapping[tuple[str, int], int]
#: Id and epoch of a broker's fetch session (KIP-227). Epoch 0 begins one, and ends the one named.
Session = tuple[int, int]

NO_SESSION: Final = 0


class RepeatedFetch(FetchRequest):  # type: ignore[misc]
    """A fetch of the same partitions as the one before.

    Parameters
    ----------
    options
        Wait in milliseconds, minimum and maximum of bytes, and isolation level.
    topics
        The partitions to send: all with epoch 0 of the session, then those that changed.
    offsets
        Requested offsets of all partitions.
    session
        What the broker calls the previous one.
    """

    def __init__(
        self,
        options: tuple[int, int, int, int],
        topics: list[tuple[str, list[tuple[int, int, int]]]],
        offsets: Offsets,
        session: Session,
    ) -> None:
        super().__init__(*options, topics)
        self.offsets = offsets
        self.session = session


def requested_offsets(request: Any) -> Offsets:
    """Return the requested offset of each partition of a fetch request, sent or not."""
    if isinstance(request, RepeatedFetch):
        return request.offsets
    return {
        (topic, partition): offset
        for topic, partitions in request.topics
        for partition, offset, _ in partitions
    }
