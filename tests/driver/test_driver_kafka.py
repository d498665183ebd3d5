"""The batch driver on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from apache.kafka import ApacheKafka
from driver.slice_workers import Broker, Fleet, fleet


@pytest.fixture
async def broker(apache_kafka: ApacheKafka) -> AsyncIterator[Broker]:
    """Connect to Apache Kafka."""
    async with Broker(apache_kafka.bootstrap) as found:
        yield found


@pytest.fixture
async def producer(apache_kafka: ApacheKafka) -> AsyncIterator[AIOKafkaProducer]:
    """Produce to Apache Kafka."""
    async with AIOKafkaProducer(bootstrap_servers=apache_kafka.bootstrap, linger_ms=5) as found:
        yield found


@asynccontextmanager
async def load(producer: AIOKafkaProducer, topic: str, partitions: int) -> AsyncIterator[None]:
    """Produce to all partitions until the block ends."""

    async def run() -> None:
        for number in count():
            await producer.send(topic, b"%d" % number, partition=number % partitions)
            if number % 20 == 0:
                await asyncio.sleep(0.01)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await producer.flush()


class Watch:
    """Looks at commits and logs over and over, for commits past what was handled."""

    def __init__(self, broker: Broker, workers: Fleet) -> None:
        self._broker, self._workers = broker, workers
        self.looks = 0
        self.too_far: list[tuple[int, int, int]] = []

    async def look(self) -> dict[int, int]:
        """Look once; return what is committed."""
        # commits first: what is handled in between can only make the check easier to pass
        committed = await self._broker.committed(self._workers.group, self._workers.topic)
        handled = self._workers.handled()
        for partition, offset in committed.items():
            missing = set(range(offset)) - set(handled[partition])
            self.too_far += [(partition, offset, min(missing))] if missing else []
        self.looks += 1
        return committed

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(0.1)


def progress(workers: Fleet, partitions: int) -> Iterator[bool]:
    """Tell, each time it is asked, whether every partition has advanced since the start."""
    before = {number: len(offsets) for number, offsets in workers.handled().items()}
    while True:
        now = workers.handled()
        yield all(len(now[number]) > before.get(number, 0) for number in range(partitions))


async def test_workers_join_and_leave_under_load(
    broker: Broker, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """While workers join, leave and die, nothing is skipped and nothing committed early."""
    topic, partitions = "driver-rebalance", 6
    await broker.create(topic, partitions)
    with fleet(tmp_path, broker.bootstrap, topic) as workers:
        watch = Watch(broker, workers)

        async def all_advance(what: str) -> None:
            steps = progress(workers, partitions)
            await workers.until(lambda: next(steps), what)

        async with load(producer, topic, partitions):
            for number in range(3):
                started = workers.start()
                await workers.until(
                    lambda new=started: bool(new.lines("handled")),
                    f"worker {number} has work",
                )
                if number == 0:  # from here on the group exists
                    watching = asyncio.create_task(watch.run())
            await all_advance("three workers")
            assert workers.workers[0].terminate() == 0
            await all_advance("two workers")
            workers.workers[1].kill()
            await all_advance("one worker")
        ends = await broker.ends(topic, partitions)

        def complete() -> bool:
            handled = workers.handled()
            return all(set(range(end)) <= set(handled[number]) for number, end in ends.items())

        await workers.until(complete, "every record handled")
        assert workers.workers[2].terminate() == 0
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):  # and not what stopped it before
            await watching
        assert await watch.look() == ends
        assert watch.looks > 20
        assert watch.too_far == []


async def test_slow_agent_keeps_its_partition(
    broker: Broker, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """Waiting past the session and poll time-outs, or computing past the former, costs nothing."""
    topic = "driver-slow"
    await broker.create(topic, 1)
    with fleet(tmp_path, broker.bootstrap, topic, max_poll_interval=8.0) as workers:
        worker = workers.start()
        for offset, order in ((0, b"await 10"), (3, b"block 7")):
            await producer.send_and_wait(topic, order, partition=0)
            await workers.until(lambda n=offset: len(worker.lines("began")) > n // 3, "it begins")
            for more in (b"waits for the agent", b"waits in the client"):
                await producer.send_and_wait(topic, more, partition=0)
            await workers.until(lambda n=offset: n + 2 in workers.handled()[0], "it catches up")
        assert worker.terminate() == 0
        assert workers.handled()[0] == list(range(6))
        assert [line["partitions"] for line in worker.lines("assigned")] == [[0]]
        assert await broker.committed(workers.group, topic) == {0: 6}


async def test_slice_whose_handler_raised_is_not_committed(
    broker: Broker, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """The commit stays at a failed slice, though later ones are handled; it comes again."""
    topic = "driver-raise"
    await broker.create(topic, 2)
    with fleet(tmp_path, broker.bootstrap, topic) as workers:
        first = workers.start()
        for offset, order in enumerate([b"fine", b"raise", b"later", b"last"]):
            for partition in range(2):
                what = b"fine" if partition else order
                await producer.send_and_wait(topic, what, partition=partition)
            done = "began" if order == b"raise" else "handled"
            await workers.until(
                lambda n=offset, d=done: (
                    bool(first.lines("began")) if d == "began" else n in workers.handled()[0]
                ),
                f"{order!r} is seen",
            )
        await workers.until(lambda: 3 in workers.handled()[1], "the other partition goes on")
        assert first.terminate() == 0
        assert await broker.committed(workers.group, topic) == {0: 1, 1: 4}
        second = workers.start()
        await workers.until(lambda: bool(second.lines("began")), "the failed slice comes again")


async def test_other_topics_come_message_by_message(
    broker: Broker, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """An unmarked topic, a table and its changelog work beside slices as they do without."""
    topic, plain = "driver-slices-too", "driver-plain"
    await broker.create(topic, 2)
    await broker.create(plain, 2)
    with fleet(tmp_path, broker.bootstrap, topic, plain=plain) as workers:

        async def send(first: int) -> None:
            for number in range(first, first + 20):
                await producer.send(topic, b"x", partition=number % 2)
                await producer.send(plain, b"%d" % number, key=b"k", partition=1)
            await producer.flush()

        await send(0)
        one = workers.start()
        await workers.until(lambda: len(one.lines("plain")) == 20, "20 messages")
        await workers.until(
            lambda: sum(map(len, workers.handled().values())) == 20, "20 records in slices"
        )
        assert one.terminate() == 0
        assert await broker.committed(workers.group, plain) == {1: 20}
        two = workers.start()
        await producer.send_and_wait(topic, b"x", partition=0)
        await workers.until(
            lambda: sum(map(len, workers.handled().values())) == 21, "it works again"
        )
        await send(20)
        await workers.until(lambda: len(two.lines("plain")) == 20, "20 more")
        seen = one.lines("plain") + two.lines("plain")
        assert [int(line["value"]) for line in seen] == list(range(40))
        assert [line["count"] for line in seen] == list(range(1, 41))  # the table came back


async def test_gaps_of_transactions_do_not_hold_commits_up(
    apache_kafka: ApacheKafka, broker: Broker, tmp_path: Path
) -> None:
    """Markers of transactions take offsets of their own, inside and between slices."""
    topic = "driver-gaps"
    await broker.create(topic, 1)
    async with AIOKafkaProducer(
        bootstrap_servers=apache_kafka.bootstrap, transactional_id="driver-gaps"
    ) as producer:
        with fleet(tmp_path, broker.bootstrap, topic) as workers:
            worker = None
            for _ in range(3):
                for number in range(5):  # the first fifteen are there before the worker is
                    async with producer.transaction():
                        for _ in range(number + 1):
                            last = await producer.send_and_wait(topic, b"x", partition=0)
                worker = worker or workers.start()
                await workers.until(
                    lambda at=last.offset: at in workers.handled()[0], "transactions are handled"
                )
            assert worker is not None
            assert worker.terminate() == 0
            handled = workers.handled()[0]
            assert handled == sorted(set(handled))
            assert (len(handled), handled[-1]) == (45, last.offset)
            assert last.offset == 58  # 45 records, and a marker after each but the last
            assert await broker.committed(workers.group, topic) == {0: last.offset + 1}
