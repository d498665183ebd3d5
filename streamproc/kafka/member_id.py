"""Keep a consumer's member id when its generation ends."""

from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalGenerationError, RebalanceInProgressError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from streamproc.kafka.compat import Send, intercept_requests

__all__ = ["keep_member_id"]

_OLD: Final = IllegalGenerationError.errno
_AGAIN: Final = RebalanceInProgressError.errno


def keep_member_id(consumer: AIOKafkaConsumer) -> None:
    """Let a consumer rejoin with its member id after its generation has ended.

    aiokafka 0.14 drops its member id on ILLEGAL_GENERATION, and joins as a new member. The group
    waits for the old member, Kafka until its session timeout and noida 0.2.3 forever, and assigns
    no partitions meanwhile. noida returns this error to each member that commits while another one
    joins. Only UNKNOWN_MEMBER_ID requires a new id; Kafka's own client keeps it, too (KAFKA-13419).

    Parameters
    ----------
    consumer
        A consumer, started or not. Without a group nothing changes.
    """

    def as_member(send: Send) -> Send:
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

        return send_as_member

    intercept_requests(consumer, as_member)


def _join_again(code: int) -> int:
    """Map ILLEGAL_GENERATION to the error after which aiokafka rejoins with its id."""
    return _AGAIN if code == _OLD else code
