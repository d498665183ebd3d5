"""Start and stop the embedded broker with a ``with`` block."""

import asyncio
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streamproc.broker.errors import BrokerError
from streamproc.broker.process import Child

HOST = "127.0.0.1"
# It answers within 10 ms on an idle machine; a busy one may need a thousand times that.
READY_SECONDS = 20.0
# It rewrites its data before it exits: 2 s for 300,000 records.
STOP_SECONDS = 8.0
POLL_SECONDS = 0.01


class EmbeddedBroker:
    """A Kafka broker on loopback that exits with this process, also after a crash.

    It is not durable: see `streamproc.broker` for its limits. Use it with
    ``with`` or ``async with``.

    Parameters
    ----------
    port
        TCP port, 0 to 65535; 0 takes a free one.
    data_dir
        Folder that stores topics between runs; created if it is missing. None: a temporary folder
        that is removed at the end.

    Raises
    ------
    BrokerError
        On entry, if the port is in use, or the broker exited or did not answer within 20 s.

    Examples
    --------
    >>> with EmbeddedBroker() as broker:
    ...     broker.bootstrap.startswith("127.0.0.1:")
    True
    """

    def __init__(self, port: int = 0, data_dir: Path | None = None) -> None:
        self._wanted_port = port
        self._data_dir = data_dir
        self._child: Child | None = None
        self._temporary: Path | None = None
        self._bootstrap = ""

    @property
    def bootstrap(self) -> str:
        """Address for clients, as ``127.0.0.1:port``; empty before the start."""
        return self._bootstrap

    @property
    def running(self) -> bool:
        """Whether its process is running."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Start the broker and wait until it answers a metadata request."""
        self._temporary = Path(tempfile.mkdtemp(prefix="streamproc-broker-"))
        data_dir = self._data_dir or self._temporary / "data"
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._child = Child(self._command(data_dir), self._temporary / "log")
            self._await_answer(self._child)
        except OSError as error:
            self.stop()
            raise BrokerError(f"cannot use {data_dir} as the broker's folder: {error}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the broker within seconds, and remove its temporary folder."""
        if self._child is not None:
            if self._data_dir is None:
                self._child.kill()  # its data is temporary
            else:
                self._child.terminate(STOP_SECONDS)
        if self._temporary is not None:
            shutil.rmtree(self._temporary)
            self._temporary = None

    def tail(self) -> str:
        """Return the last lines of the broker's log."""
        return "" if self._child is None else self._child.tail()

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the broker."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Start the broker without blocking the event loop."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the broker without blocking the event loop."""
        await asyncio.to_thread(self.stop)

    def _command(self, data_dir: Path) -> list[str]:
        # The program itself: its Python wrapper would be a process in between.
        program = str(files("noida_db").joinpath("noida-db"))
        options = ["--only", "kafka", "--kafka-port", str(self._wanted_port), "--host", HOST]
        return [program, "start", *options, "--data-dir", str(data_dir)]

    def _await_answer(self, child: Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        # It prints its address once it listens; with port 0 it chooses the port.
        while (found := re.search(rf"kafka\s+({re.escape(HOST)}:\d+)", child.tail())) is None:
            self._check(child, deadline)
            time.sleep(POLL_SECONDS)
        while broker_count(found[1]) == 0:
            self._check(child, deadline)
            time.sleep(POLL_SECONDS)
        self._bootstrap = found[1]

    def _check(self, child: Child, deadline: float) -> None:
        late = time.monotonic() > deadline
        if child.running and not late:
            return
        log = child.tail()
        if "already in use" in log:
            raise BrokerError(
                f"port {self._wanted_port} is in use by another program: stop it, or choose "
                "another port (0 takes a free one)"
            )
        reason = f"did not answer within {READY_SECONDS:g} s" if late else "exited during its start"
        raise BrokerError(f"the embedded broker {reason}; its log ends:\n{log}")


REQUEST_MS = 5_000


def broker_count(address: str) -> int:
    """Return the number of brokers in a broker's metadata; 0 if it does not answer."""
    # A separate thread: the caller's may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(_ask(address))).result()


async def _ask(address: str) -> int:
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=REQUEST_MS)
    try:
        await client.bootstrap()
        return len(client.cluster.brokers())
    except KafkaError:
        return 0
    finally:
        await client.close()
