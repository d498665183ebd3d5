"""Workers in processes of their own, and what they say that they have done."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PROGRAM = Path(__file__).with_name("slice_worker.py")
ROOT = Path(__file__).parents[2]
DEADLINE = 60.0  # seconds; only a fault makes a wait this long


class Worker:
    """One process, and the log that it writes."""

    def __init__(self, log: Path, **options: Any) -> None:
        self.log = log
        self.output = log.with_suffix(".out")
        arguments = [sys.executable, str(PROGRAM), json.dumps({"log": str(log), **options})]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                arguments,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it has logged of one kind; a last line without an end is not read."""
        if not self.log.exists():
            return []
        whole = self.log.read_bytes().split(b"\n")[:-1]
        return [line for line in map(json.loads, whole) if line["event"] == event]

    def report(self) -> str:
        """Return the ends of its log and of its output."""
        logged = self.log.read_text() if self.log.exists() else ""
        return f"{self.log.name}:\n{logged[-3000:]}{self.output.read_text()[-3000:]}"

    def terminate(self) -> int:
        """Ask it to end, as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()


class Fleet:
    """Workers of one group on one topic."""

    def __init__(self, folder: Path, bootstrap: str, topic: str, **options: Any) -> None:
        self.folder = folder
        self.group = f"group-of-{topic}"
        self.topic = topic
        self.options = {"bootstrap": bootstrap, "group": self.group, "topic": topic, **options}
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        """Start one more."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(log, **self.options))
        return self.workers[-1]

    def handled(self) -> dict[int, list[int]]:
        """Return all offsets handled so far, by partition, with repetitions."""
        found: dict[int, list[int]] = defaultdict(list)
        for worker in self.workers:
            for line in worker.lines("handled"):
                found[line["partition"]].extend(line["offsets"])
        return found

    async def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait until the logs say so."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not done():  # noqa: ASYNC110  # another process writes the logs
                    await asyncio.sleep(0.05)
        except TimeoutError:
            report = "\n".join(worker.report() for worker in self.workers)
            raise AssertionError(f"{what}: not within {DEADLINE} s\n{report}") from None


@contextmanager
def fleet(folder: Path, bootstrap: str, topic: str, **options: Any) -> Iterator[Fleet]:
    """Give a fleet whose processes end with the block."""
    found = Fleet(folder, bootstrap, topic, **options)
    try:
        yield found
    finally:
        for worker in found.workers:
            worker.kill()


class Broker:
    """What the tests ask of a broker, besides records."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def create(self, topic: str, partitions: int) -> None:
        """Make a topic."""
        await self._admin.create_topics([NewTopic(topic, partitions, 1)])

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return what a group has committed, by partition."""
        found = await self._admin.list_consumer_group_offsets(group)
        return {tp.partition: at.offset for tp, at in found.items() if tp.topic == topic}

    async def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return the offset after the last record, by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            found = await consumer.end_offsets(
                [TopicPartition(topic, number) for number in range(partitions)]
            )
        finally:
            await consumer.stop()
        return {tp.partition: offset for tp, offset in found.items()}
