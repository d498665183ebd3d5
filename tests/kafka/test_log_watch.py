"""When a consumer doubts that it reads the log that it has read so far."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka.log_watch import Doubt, LogWatch

HOME = ("predictions", 3)
OUT_OF_RANGE = 1
NOT_LEADER = 6


class Client:
    """A client of a consumer, with one connection to each node."""

    def __init__(self) -> None:
        self._conns: dict[Any, object] = {}
        self.code = 0
        self.down = False
        self.watch = LogWatch(SimpleNamespace(_client=self))  # type: ignore[arg-type]

    async def send(self, node: int, _request: Any, **_options: Any) -> Any:
        """Answer a fetch."""
        if self.down:
            raise KafkaConnectionError
        self._conns.setdefault((node, ConnectionGroup.DEFAULT), object())
        return SimpleNamespace(topics=[("predictions", [(3, self.code, 0, b"")])])

    async def fetch(self, offset: int, node: int = 1) -> None:
        """Fetch from an offset."""
        await self.send(node, FetchRequest(0, 0, 0, 0, [("predictions", [(3, offset, 1)])]))


@pytest.fixture
async def client() -> Client:
    """Give a client that has fetched from offset 100."""
    client = Client()
    await client.fetch(100)
    return client


async def test_one_connection_leaves_no_doubt(client: Client) -> None:
    """As long as a leader answers on one connection, nothing has to be checked."""
    await client.fetch(110)
    assert client.watch.doubt(HOME) == Doubt()


@pytest.mark.parametrize("change", ["restart", "leader", "refused", "away"])
async def test_what_comes_after_a_change_is_in_doubt(client: Client, change: str) -> None:
    """After a new connection, another leader or an error, records are in doubt until a check."""
    if change == "restart":
        client._conns.clear()
    elif change == "refused":
        client.code = NOT_LEADER
    elif change == "away":
        client.down = True
        with pytest.raises(KafkaConnectionError):
            await client.fetch(110)
        client.down = False
    await client.fetch(110, node=2 if change == "leader" else 1)
    doubt = client.watch.doubt(HOME)
    assert doubt == client.watch.doubt(HOME) == Doubt(suspect=True)
    client.watch.settle(HOME, doubt)
    assert client.watch.doubt(HOME) == Doubt()


async def test_an_offset_out_of_range_is_reported(client: Client) -> None:
    """Wherever the client goes on, the offset that the log did not have is known."""
    client.code = OUT_OF_RANGE
    await client.fetch(110)
    client.code = 0
    await client.fetch(0)
    assert client.watch.doubt(HOME) == Doubt(suspect=True, out_of_range=110)


async def test_a_set_position_is_in_doubt(client: Client) -> None:
    """After a rebalance, the state may be of before a restart that nothing else shows."""
    client.watch.moving(HOME)
    assert client.watch.doubt(HOME) == Doubt(suspect=True)


async def test_a_check_settles_no_later_doubt(client: Client) -> None:
    """A log that is replaced during the check of an earlier doubt is checked again."""
    client.watch.moving(HOME)
    first = client.watch.doubt(HOME)
    client._conns.clear()
    await client.fetch(120)
    client.watch.settle(HOME, first)
    assert client.watch.doubt(HOME) == Doubt(suspect=True)
