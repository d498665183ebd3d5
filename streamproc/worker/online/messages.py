"""What a worker and its learning process say to each other: a line of JSON each."""

from typing import Final

import msgspec


class Assign(msgspec.Struct, frozen=True, tag=True):
    """Learn from these partitions, and from no others; `generation` of the group."""

    partitions: tuple[int, ...]
    generation: int


class StatusRequest(msgspec.Struct, frozen=True, tag=True):
    """Say how you are: a `Report` follows."""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Write down what was learned, and end."""


class Report(msgspec.Struct, frozen=True, tag=True):
    """How far it is, and its metrics as Prometheus reads them.

    Attributes
    ----------
    behind
        Records that wait; at least 1 while that is not known.
    handled
        Grows with every step of its work.
    positions
        By partition, the offset after the last record that is learned.
    lags
        By partition, records that wait, as the cluster said last.
    """

    behind: int
    metrics: str
    handled: int = 0
    positions: dict[int, int] = {}
    lags: dict[int, int] = {}


class LogLine(msgspec.Struct, frozen=True, tag=True):
    """A line for the log."""

    level: int
    name: str
    text: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why it ends."""

    reason: str


ToChild = Assign | StatusRequest | Stop
ToParent = Report | LogLine | Failed
TO_CHILD: Final[msgspec.json.Decoder[ToChild]] = msgspec.json.Decoder(ToChild)
TO_PARENT: Final[msgspec.json.Decoder[ToParent]] = msgspec.json.Decoder(ToParent)


def line(message: ToChild | ToParent) -> bytes:
    """Write a message."""
    return msgspec.json.encode(message) + b"\n"
