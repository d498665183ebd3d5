"""An Apache Kafka that takes large records, and a way to it that can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apache.kafka import ApacheKafka
from apache.settings import HOST, free_ports
from detour import Detour

# A record of ten megabytes is among the poison.
LARGE = {"message.max.bytes": str(16 * 2**20), "replica.fetch.max.bytes": str(16 * 2**20)}


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
    """Advertise the port of the detour to clients that connect by its listener."""
    more = {
        "listeners": f",DETOUR://{HOST}:{far}",
        "advertised.listeners": f",DETOUR://{HOST}:{near}",
        "listener.security.protocol.map": ",DETOUR:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
    settings = dict(line.split("=", 1) for line in path.read_text().splitlines())
    for name, value in more.items():
        settings[name] = settings.get(name, "") + value
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
