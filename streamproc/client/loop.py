"""Run an event loop in a separate thread, for programs without asyncio."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from streamproc.kafka.errors import ClientNotOpenError

T = TypeVar("T")


class LoopThread:
    """Run coroutines for a blocking caller.

    The loop also runs between calls, so that records are sent in the background.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon thread, so that a program can exit without closing its client.
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="streamproc-client", daemon=True
        )

    def start(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and return its result, or raise its error.

        If the wait is interrupted, such as by Ctrl-C, the coroutine is cancelled.

        Raises
        ------
        ClientNotOpenError
            If the thread is not running, outside of the ``with`` block.
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
