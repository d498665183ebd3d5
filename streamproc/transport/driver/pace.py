"""Learns from acknowledgements how long slices take."""

import time
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import faust
from faust.types import TP, Message

from streamproc.transport.driver.slices import Pace, Slice

__all__ = ["PaceSensor"]


class PaceSensor(faust.Sensor):
    """Tells each topic's :class:`Pace` what its slices took.

    Counts the CPU time of the event loop's thread from when a stream takes a slice until it
    is acknowledged: the time for which nothing else ran. Waiting, for a broker that is slow
    say, is not counted: smaller slices would not make it shorter, only more frequent.

    Parameters
    ----------
    paces
        Topic name to pace; looked at anew for each message.
    taken
        Called with each message of these topics when a stream takes it.
    """

    def __init__(self, paces: Mapping[str, Pace], taken: Callable[[Message], None]) -> None:
        super().__init__()
        self._taken = taken
        self._paces = paces
        self._since: WeakKeyDictionary[Message, float] = WeakKeyDictionary()

    def on_message_in(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Start the clock of a slice: a stream has taken it."""
        if tp.topic in self._paces:
            self._since[message] = time.thread_time()
            self._taken(message)

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:  # noqa: ARG002
        """Stop the clock: the slice is acknowledged."""
        since = self._since.pop(message, None)
        if since is not None and isinstance(message.value, Slice):
            # an acknowledgement from another thread reads that thread's clock: learn nothing
            seconds = max(0.0, time.thread_time() - since)
            self._paces[tp.topic].learn(len(message.value), seconds)
