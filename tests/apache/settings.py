"""The settings of one Apache Kafka node on loopback."""

import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
# Below the range that the kernel gives to outgoing connections: while a node is down nobody,
# not even a client that keeps trying to reach it, can be given its port.
_PORTS = range(20_000, 30_000)

LOG4J = """\
Configuration:
  status: error
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{HH:mm:ss.SSS} %-5p %c{1} %m%n"
  Loggers:
    Root:
      level: info
      AppenderRef:
        ref: out
"""


@dataclass(frozen=True)
class NodePlan:
    """Where one node lives: its number from 1, its two ports and its folder."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{HOST}:{self.port}"


def free_ports(count: int) -> list[int]:
    """Return distinct ports that nobody listens on."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            # As the broker will do: a port whose last connections still linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports in {_PORTS}")


def properties(plan: NodePlan, nodes: Sequence[NodePlan], extra: Mapping[str, str]) -> str:
    """Return the text of ``server.properties``; ``extra`` wins over the defaults here."""
    replicas = str(len(nodes))
    in_sync = str(len(nodes) // 2 + 1)  # one node of three may be lost
    voters = ",".join(f"{node.number}@{HOST}:{node.controller_port}" for node in nodes)
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(plan.number),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{plan.address},CONTROLLER://{HOST}:{plan.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{plan.address}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(plan.folder / "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": "0",
        # A node that was killed may come back only when its old session has run out.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": "8388608",  # the default is a third of our heap
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    settings.update(extra)
    return "".join(f"{key}={value}\n" for key, value in settings.items())
