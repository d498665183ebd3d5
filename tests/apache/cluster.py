"""A real Apache Kafka cluster of one or more nodes on loopback."""

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Self

from apache.node import FORMAT_SECONDS, Node
from apache.settings import HOST, NodePlan, free_ports, properties

from streamproc.broker.embedded import broker_count

CLUSTER_ID = "c3RyZWFtcHJvYy10ZXN0cw"  # 16 bytes in base64, as Kafka asks; any will do
READY_SECONDS = 120.0


class KafkaStartError(Exception):
    """A node did not come up; the message holds the end of its log."""


class ApacheKafka:
    """Apache Kafka in KRaft mode: each node is broker and controller, on loopback alone.

    Every method blocks; in a coroutine call it with ``asyncio.to_thread``. Nodes are numbered
    from 1. All of its processes end with the ``with`` block or, whatever happens, with the
    interpreter.

    Parameters
    ----------
    nodes
        How many; of three, one may be lost. System topics are replicated to all.
    data_dir
        Where data, settings and logs (``node-1/server.log``) are kept; none means a temporary
        folder, which is removed unless the block ends with an error.
    config
        Settings for ``server.properties`` of every node, over the defaults of
        `apache.settings.properties`.

    Raises
    ------
    KafkaUnavailableError
        Java or Maven is missing or too old, or Maven Central does not answer.
    KafkaStartError
        A node ended, or did not answer within two minutes.

    Examples
    --------
    >>> with ApacheKafka() as kafka:  # doctest: +SKIP
    ...     kafka.kill(1)
    ...     kafka.start(1)
    ...     print(kafka.bootstrap)
    """

    def __init__(
        self,
        nodes: int = 1,
        data_dir: Path | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary = data_dir is None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="streamproc-kafka-"))
        ports = free_ports(2 * nodes)
        plans = [
            NodePlan(number, ports.pop(), ports.pop(), self.data_dir / f"node-{number}")
            for number in range(1, nodes + 1)
        ]
        self._nodes = {
            plan.number: Node(plan, properties(plan, plans, config or {})) for plan in plans
        }

    @property
    def bootstrap(self) -> str:
        """Addresses of all nodes, comma-separated, whether they run or not."""
        return ",".join(node.plan.address for node in self._nodes.values())

    def __enter__(self) -> Self:
        """Format, start and await all nodes."""
        try:
            self._format()
            for node in self._nodes.values():
                node.start()
            self._await_answer()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all nodes; keep a temporary folder only for an error's sake."""
        self.close()
        if self._temporary and error is None:
            shutil.rmtree(self.data_dir)

    def close(self) -> None:
        """Kill every node that still runs: nobody will read this data again."""
        for node in self._nodes.values():
            node.kill()

    def kill(self, node: int) -> None:
        """SIGKILL one node, as a crash would."""
        self._nodes[node].kill()

    def signal(self, node: int, number: Signals) -> None:
        """Send a signal to one node: SIGSTOP freezes it, SIGCONT lets it go on."""
        self._nodes[node].signal(number)

    def stop(self, node: int) -> None:
        """SIGTERM one node and wait until it has handed over and ended."""
        self._nodes[node].stop()

    def start(self, node: int) -> None:
        """Start one node again, with the same data and port, and wait until it answers."""
        self._nodes[node].start()
        self._await_answer()

    def tail(self, node: int) -> str:
        """Return the last lines of one node's log."""
        return self._nodes[node].tail()

    def _format(self) -> None:
        begun = [(node, node.format(CLUSTER_ID)) for node in self._nodes.values()]
        for node, child in begun:
            if child.wait(FORMAT_SECONDS) != 0:
                child.kill()
                raise KafkaStartError(f"node {node.plan.number} not formatted:\n{node.tail()}")

    def _await_answer(self) -> None:
        """Wait until every running node knows all running nodes and lets clients in."""
        running = [node for node in self._nodes.values() if node.child is not None]
        deadline = time.monotonic() + READY_SECONDS
        for node in running:
            _poll(node, deadline, partial(_listens, node.plan.port))
        for node in running:
            _poll(node, deadline, partial(_knows, node.plan.address, len(running)))


def _poll(node: Node, deadline: float, ready: Callable[[], bool]) -> None:
    while not ready():
        late = time.monotonic() > deadline
        if late or node.child is None:
            reason = "does not answer" if late else "has ended"
            raise KafkaStartError(
                f"node {node.plan.number} {reason}; its log {node.log} ends:\n{node.tail()}"
            )
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _knows(address: str, brokers: int) -> bool:
    return broker_count(address) >= brokers
