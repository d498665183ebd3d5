"""Define the messages between a worker and its process of online models, as JSON lines."""

from typing import Final

import msgspec


class Assign(msgspec.Struct, frozen=True, tag=True):
    """Learn from these partitions only; `generation` is the group's."""

    partitions: tuple[int, ...]
    generation: int


class StatusRequest(msgspec.Struct, frozen=True, tag=True):
    """Request a `Report`."""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Write final snapshots and exit."""


class Report(msgspec.Struct, frozen=True, tag=True):
    """Progress of the process, and its metrics in Prometheus' text format.

    Attributes
    ----------
    behind
        Lag in records; at least 1 while it is unknown.
    handled
        Counter that grows with any progress.
    positions
        By partition, the offset after the last learned record.
    lags
        Lag in records by partition, as last measured.
    """

    behind: int
    metrics: str
    handled: int = 0
    positions: dict[int, int] = {}
    lags: dict[int, int] = {}


class LogLine(msgspec.Struct, frozen=True, tag=True):
    """A log line of the process."""

    level: int
    name: str
    text: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The reason why the process exits."""

    reason: str


ToChild = Assign | StatusRequest | Stop
ToParent = Report | LogLine | Failed
TO_CHILD: Final[msgspec.json.Decoder[ToChild]] = msgspec.json.Decoder(ToChild)
TO_PARENT: Final[msgspec.json.Decoder[ToParent]] = msgspec.json.Decoder(ToParent)


def line(message: ToChild | ToParent) -> bytes:
    """Encode a message as a line."""
    return msgspec.json.encode(message) + b"\n"
