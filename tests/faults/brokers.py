"""An Apache Kafka that takes large records, and a way to it that can be cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apache.kafka import ApacheKafka
from apache.settings import HOST, free_ports

# A record of ten megabytes is among the poison.
LARGE = {"message.max.bytes": str(16 * 2**20), "replica.fetch.max.bytes": str(16 * 2**20)}


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
        self._whole = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.port}"

    def cut(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._whole.set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Detour"]:
        """Pass bytes on while the block runs."""
        self._whole.set()
        server = await asyncio.start_server(self._accept, HOST, self.port)
        try:
            yield self
        finally:
            self._whole.set()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await self._whole.wait()
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
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Broker:
    """A broker, and the ports of another way to it."""

    kafka: ApacheKafka
    ports: tuple[int, int]

    @property
    def detour(self) -> Detour:
        """Another way to it; open it to use it."""
        return Detour(*self.ports)


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """Run a broker until the block ends."""
    kafka = ApacheKafka(data_dir=folder, config=LARGE)
    [ports] = add_listeners(folder, nodes=1)
    with kafka:
        yield Broker(kafka, ports)


def add_listeners(folder: Path, nodes: int) -> list[tuple[int, int]]:
    """Give each node of a cluster that does not run yet a listener behind a detour.

    Returns
    -------
    list of tuple
        Arguments of each node's `Detour`.
    """
    ports = iter(free_ports(2 * nodes))
    found = list(zip(ports, ports, strict=True))
    for number, (near, far) in enumerate(found, 1):
        _add_listener(folder / f"node-{number}" / "server.properties", near, far)
    return found


def _add_listener(path: Path, near: int, far: int) -> None:
    """Let clients that come to one port be told of another: that of the detour."""
    more = {
        "listeners": f",DETOUR://{HOST}:{far}",
        "advertised.listeners": f",DETOUR://{HOST}:{near}",
        "listener.security.protocol.map": ",DETOUR:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
    said = dict(line.split("=", 1) for line in path.read_text().splitlines())
    for name, value in more.items():
        said[name] = said.get(name, "") + value
    path.write_text("".join(f"{name}={value}\n" for name, value in said.items()))
