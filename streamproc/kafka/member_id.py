"""Members that keep their id when their generation is over."""

from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalGenerationError, RebalanceInProgressError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

__all__ = ["keep_member_id"]

_OLD: Final = IllegalGenerationError.errno
_AGAIN: Final = RebalanceInProgressError.errno


def keep_member_id(consumer: AIOKafkaConsumer) -> None:
    """Let a consumer whose generation is over join the next one as the member that it is.

    aiokafka 0.14 forgets its member id then, and joins as somebody new. The group goes on waiting
    for the member that it was: Kafka until its session is over, noida 0.2.3 for ever, and nobody
    gets a partition meanwhile. noida says so to each member that commits while another one joins.
    Only a group that answers that it does not know the id asks for a new one; Kafka's own client
    keeps it, too (KAFKA-13419).

    Parameters
    ----------
    consumer
        One that was made, started or not. Without a group nothing changes.
    """
    client = consumer._client  # noqa: SLF001
    send = client.send

    async def send_as_member(node_id: Any, request: Any, **options: Any) -> Any:
        response = await send(node_id, request, **options)
        if isinstance(request, HeartbeatRequest | SyncGroupRequest):
            response.error_code = _join_again(response.error_code)
        elif isinstance(request, OffsetCommitRequest):
            response.topics = [
                (topic, [(partition, _join_again(code)) for partition, code in codes])
                for topic, codes in response.topics
            ]
        return response

    client.send = send_as_member


def _join_again(code: int) -> int:
    """Return the error for which aiokafka joins again with the id that it has."""
    return _AGAIN if code == _OLD else code
