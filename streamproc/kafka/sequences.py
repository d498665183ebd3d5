"""Correct an idempotent producer's sequence numbers after a rejected batch."""

from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors

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
    manager: Any = client._txn_manager  # noqa: SLF001 - aiokafka has no other way
    if manager is None:
        return
    accumulator: Any = client._message_accumulator  # noqa: SLF001
    pop = accumulator._pop_batch  # noqa: SLF001

    def pop_batch(tp: Any) -> Any:
        first = accumulator._batches[tp][0].retry_count == 0  # noqa: SLF001
        batch = pop(tp)
        if first:
            _give_back_when_refused(batch, manager)
        return batch

    accumulator._pop_batch = pop_batch  # noqa: SLF001


def _give_back_when_refused(batch: Any, manager: Any) -> None:
    fail = batch.failure

    def failure(exception: BaseException) -> None:
        if isinstance(exception, REFUSALS):
            manager._sequence_numbers[batch.tp] -= batch.record_count  # noqa: SLF001
        fail(exception)

    batch.failure = failure
