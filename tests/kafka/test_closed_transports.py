import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka import errors

from streamproc.kafka.closed_transports import report_closed_transports

ABORT = struct.pack("ii", 1, 0)


class Client:
    """Writes requests to a connection, as aiokafka's client does."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, _node_id: int, request: bytes) -> None:
        """Write a request."""
        self._writer.write(request)


def test_a_broker_that_is_killed_in_a_response_has_a_broken_connection() -> None:
    """A half response hides from aiokafka that the event loop has closed the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"half")
        await writer.drain()
        peer = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        writer.transport.abort()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        client = Client(writer)
        report_closed_transports(client)
        async with asyncio.timeout(30):
            while not reader.at_eof():
                await client.send(1, b"request")
                await asyncio.sleep(0)

    with pytest.raises(errors.KafkaConnectionError, match="broker 1 is closed"):
        uvloop.run(run())
