"""Measure the CPU time of slices, to adapt their size."""

import time
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import faust
from faust.types import TP, Message

from streamproc.driver.slices import BatchSizer, Slice

__all__ = ["BatchSizeSensor"]


class BatchSizeSensor(faust.Sensor):
    """Report the CPU time of slices to each topic's :class:`BatchSizer`.

    It counts the CPU time of the event loop's thread from when a stream takes a slice until it is
    acknowledged or the next one is taken. Waiting, such as for a slow broker, is not counted:
    smaller slices would make it more frequent, not shorter.

    Parameters
    ----------
    paces
        Topic name → its batch sizer; read again for each message.
    taken
        Called with each message of these topics when a stream takes it.
    """

    def __init__(self, paces: Mapping[str, BatchSizer], taken: Callable[[Message], None]) -> None:
        super().__init__()
        self._taken = taken
        self._paces = paces
        self._spent: WeakKeyDictionary[Message, float] = WeakKeyDictionary()
        self._counted: Message | None = None  # the slice that time since `_since` counts for
        self._since = 0.0

    def on_message_in(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Start to measure a slice that a stream has taken."""
        if tp.topic in self._paces:
            self._count()
            self._spent[message] = 0.0
            self._counted = message
            self._taken(message)

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Report the time of an acknowledged slice."""
        if message in self._spent and isinstance(message.value, Slice):
            self._count()
            self._paces[tp.topic].learn(len(message.value), self._spent.pop(message))
            if message is self._counted:
                self._counted = None

    def _count(self) -> None:
        """Add the time since the last call to the slice that was taken last."""
        now = time.thread_time()
        if self._counted is not None:
            # another thread has another CPU clock: ignore its acknowledgements
            self._spent[self._counted] += max(0.0, now - self._since)
        self._since = now
