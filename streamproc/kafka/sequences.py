"""Sequence numbers of idempotent producers that go on after the cluster has refused a batch."""

from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors

# The cluster has taken nothing of a batch that it refuses for one of these.
REFUSALS: Final = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTimestampError,
    errors.TopicAuthorizationFailedError,
)


def reuse_refused_sequences(client: AIOKafkaProducer) -> None:
    """Let the next batch of a partition have the sequence numbers of one that was refused.

    aiokafka counts them up when it sends a batch, and not down when the cluster refuses it: each
    later batch of that partition is then out of order, for as long as the producer lives. Only
    one batch of a partition is under way at a time, so that no other has later numbers.

    Parameters
    ----------
    client
        A producer that is started; one that is not idempotent is left as it is.
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
