"""Report connections that the event loop has closed as connections that are broken."""

from typing import Any

from aiokafka import errors

from streamproc.kafka.compat import Send

__all__ = ["report_closed_transports"]


def report_closed_transports(client: Any) -> None:
    """Make a client raise a Kafka error where a transport was closed before it has noticed.

    A broker that is killed while it sends a response leaves a part of it in the client's buffer.
    Until the client has read that, it takes the connection for open; asyncio ignores what is
    written then, and uvloop raises RuntimeError. aiokafka 0.14.0 expects OSError only: its fetch
    loop would end, and the consumer read nothing any more.

    Parameters
    ----------
    client
        Of a consumer or a producer, started or not.
    """
    send: Send = client.send

    async def send_or_report(node_id: Any, request: Any, **options: Any) -> Any:
        try:
            return await send(node_id, request, **options)
        except RuntimeError as error:
            raise errors.KafkaConnectionError(
                f"the connection to broker {node_id} is closed: {error}"
            ) from error

    client.send = send_or_report
