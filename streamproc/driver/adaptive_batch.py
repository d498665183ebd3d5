"""Learns from acknowledgements how long slices take."""

import time
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import faust
from faust.types import TP, Message

from streamproc.driver.slices import BatchSizer, Slice

__all__ = ["BatchSizeSensor"]


class BatchSizeSensor(faust.Sensor):
    """Tells each topic's :class:`BatchSizer` what its slices took.

    Counts the CPU time of the event loop's thread from when a stream takes a slice until it
    is acknowledged, or until the next one is taken: the time for which nothing else ran. Waiting,
    for a broker that is slow say, is not counted: smaller slices would not make it shorter, only
    more frequent.

    Parameters
    ----------
    paces
        Topic name to pace; looked at anew for each message.
    taken
        Called with each message of these topics when a stream takes it.
    """

    def __init__(self, paces: Mapping[str, BatchSizer], taken: Callable[[Message], None]) -> None:
        super().__init__()
        self._taken = taken
        self._paces = paces
        self._spent: WeakKeyDictionary[Message, float] = WeakKeyDictionary()
        self._counted: Message | None = None  # whose time it is, since then
        self._since = 0.0

    def on_message_in(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Start the clock of a slice: a stream has taken it."""
        if tp.topic in self._paces:
            self._count()
            self._spent[message] = 0.0
            self._counted = message
            self._taken(message)

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Stop the clock: the slice is acknowledged."""
        if message in self._spent and isinstance(message.value, Slice):
            self._count()
            self._paces[tp.topic].learn(len(message.value), self._spent.pop(message))
            if message is self._counted:
                self._counted = None

    def _count(self) -> None:
        """Put what was spent since the last look down to the slice that was taken last."""
        now = time.thread_time()
        if self._counted is not None:
            # an acknowledgement from another thread reads that thread's clock: learn nothing
            self._spent[self._counted] += max(0.0, now - self._since)
        self._since = now
