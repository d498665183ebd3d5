"""Correct an idempotent producer's sequence numbers after a rejected batch."""

from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors

from streamproc.kafka.compat import intercept_batches

# With these errors the cluster has written no record of the batch.
REFUSALS: Final = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTimestampError,
    errors.TopicAuthorizationFailedError,
)


def reuse_refused_sequences(client: AIOKafkaProducer) -> None:
    """Reuse the sequence numbers of a rejected batch for the next one of its partition.

    aiokafka increments them when it sends a batch, and does not decrement them when the cluster
    rejects it: all later batches of that partition are then out of order. Only one batch per
    partition is in flight, so that no other batch has later numbers.

    Parameters
    ----------
    client
        A started producer; one that is not idempotent is not changed.
    """
    intercept_batches(client, _give_back_when_refused)


def _give_back_when_refused(batch: Any, give_back: Callable[[], None]) -> None:
    fail = batch.failure

    def failure(exception: BaseException) -> None:
        if isinstance(exception, REFUSALS):
            give_back()
        fail(exception)

    batch.failure = failure
