"""Many small records, written whole batches at a time."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import errors
from broker_topics import own_topics, records

from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker import batch_writer as module
from streamproc.worker.batch_writer import Batches, Pair

Refuses = Callable[[list[Pair]], Exception | None]


class Builder:
    """A batch as it is built."""

    def __init__(self) -> None:
        self.pairs: list[Pair] = []

    def append(self, *, key: bytes, value: bytes, timestamp: int | None) -> None:
        """Take a record, whose time is that of its writing."""
        assert timestamp is None
        self.pairs.append((key, value))


class Cluster:
    """A producer whose cluster confirms what it does not refuse."""

    def __init__(self, refuses: Refuses = lambda _: None) -> None:
        self._refuses = refuses
        self.taken: list[tuple[int, list[Pair]]] = []

    async def partitions_for(self, _topic: str) -> set[int]:
        """Say that there are four."""
        return {0, 1, 2, 3}

    def create_batch(self) -> Builder:
        """Begin a batch."""
        return Builder()

    async def send_batch(
        self, builder: Builder, _topic: str, *, partition: int
    ) -> "asyncio.Future[None]":
        """Take a batch, or refuse it when it is confirmed, as brokers do."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        problem = self._refuses(builder.pairs)
        if problem is None:
            self.taken.append((partition, builder.pairs))
            answer.set_result(None)
        else:
            answer.set_exception(problem)
        return answer


def batches(refuses: Refuses = lambda _: None, number: int = 1) -> tuple[Batches, Cluster]:
    """Return a writer, and the cluster behind it."""
    cluster: Any = Cluster(refuses)
    return Batches(cluster, "answers", number), cluster


def pairs(count: int, size: int = 100) -> list[Pair]:
    """Make records that can be told apart."""
    return [(b"m", b"%d".ljust(size) % number) for number in range(count)]


async def test_what_is_written_is_on_the_topic_in_its_order(bootstrap: str) -> None:
    """More than a batch holds arrives whole, in order, on the partition of its own number."""
    config = own_topics(bootstrap)
    await ensure_topics(config)
    given = pairs(5000, 150)
    async with open_producer(config) as producer:
        topic = config.topics.full_name("online_predictions")
        await Batches(producer, topic, 1).write(given)
    found = await records(config, "online_predictions")
    assert [(record.key, record.value) for record in found] == given
    assert {record.partition for record in found} == {1}


async def test_no_batch_is_larger_than_a_producer_takes() -> None:
    """Records are cut into batches by their bytes, and none is left out or sent twice."""
    writer, cluster = batches()
    given = pairs(3000, 500)
    await writer.write(given)
    sizes = [sum(len(key) + len(value) for key, value in part) for _, part in cluster.taken]
    assert max(sizes) < 2**18
    assert len(sizes) > 1
    assert list(itertools.chain.from_iterable(part for _, part in cluster.taken)) == given


async def test_nothing_given_is_nothing_sent() -> None:
    """A slice without answers costs no request."""
    writer, cluster = batches()
    await writer.write([])
    assert cluster.taken == []


async def test_a_topic_with_fewer_partitions_takes_all_the_same() -> None:
    """What came from partition 6 goes to a partition that there is, always the same."""
    writer, cluster = batches(number=6)
    await writer.write(pairs(2))
    assert [partition for partition, _ in cluster.taken] == [2]


async def test_a_cluster_in_trouble_is_asked_again_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A leader that is away delays what follows, and no batch passes another."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    answers = itertools.chain([errors.NotLeaderForPartitionError(), None], itertools.repeat(None))
    tried: list[list[Pair]] = []

    def refuses(batch: list[Pair]) -> Exception | None:
        tried.append(batch)
        return next(answers)

    writer, cluster = batches(refuses)
    given = pairs(3000, 500)
    await writer.write(given)
    assert tried[0] == tried[1]
    assert list(itertools.chain.from_iterable(part for _, part in cluster.taken)) == given


async def test_a_record_that_is_too_large_is_lost_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Brokers refuse a batch whole: the rest of it is written, and the log names the size."""
    large = (b"m", b"x" * 5000)

    def refuses(batch: list[Pair]) -> Exception | None:
        return errors.MessageSizeTooLargeError() if large in batch else None

    writer, cluster = batches(refuses)
    given = pairs(20)
    await writer.write([*given[:7], large, *given[7:]])
    assert list(itertools.chain.from_iterable(part for _, part in cluster.taken)) == given
    assert "topic answers rejected a record of 5000 bytes, which is lost" in caplog.text


async def test_what_a_cluster_refuses_for_good_is_an_error() -> None:
    """No right to write is not tried again for ever."""
    writer, _ = batches(lambda _: errors.TopicAuthorizationFailedError())
    with pytest.raises(errors.TopicAuthorizationFailedError):
        await writer.write(pairs(1))
