"""An event loop in a thread of its own, for programs that have none."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from streamproc.kafka.errors import ClientNotOpenError

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for a caller who waits for them.

    The loop goes on between the calls, so that records are sent while the caller does something
    else.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a program that forgets to close its client can still end.
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="streamproc-client", daemon=True
        )

    def start(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result, or raise its error.

        When the waiting is interrupted, as by Ctrl-C, the coroutine is cancelled.

        Raises
        ------
        ClientNotOpenError
            If the thread does not run: before the ``with`` block, or after it.
        """
        if not self._thread.is_alive():
            coroutine.close()
            raise ClientNotOpenError("use the client in a with block: it is not open")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Stop the loop and wait for the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
