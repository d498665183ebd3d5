"""A way to a server that can be cut and mended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from apache.settings import HOST


class Detour:
    """Passes bytes on between clients and a port, until it is cut: then nothing gets through.

    Connections stay open while it is cut, as they do when a cable is pulled, and what was sent
    meanwhile arrives when it is mended.

    Parameters
    ----------
    port
        Where clients connect.
    target
        Where their bytes go.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port, self._target = port, target
        self._open = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.port}"

    def cut(self) -> None:
        """Let nothing through."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._open.set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Detour"]:
        """Pass bytes on while the block runs."""
        self._open.set()
        server = await asyncio.start_server(self._accept, HOST, self.port)
        try:
            yield self
        finally:
            self._open.set()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            far, on = await asyncio.open_connection(HOST, self._target)
        except OSError:
            back.close()
            return
        for reader, writer in ((near, on), (far, back)):
            task = asyncio.create_task(self._pass_on(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(2**16):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
