"""Workers for tests: in this process, or as an operator starts them."""

import asyncio
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry

from streamproc.client import Alerts, Publisher
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_consumer
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.metrics import Metrics
from streamproc.worker.wiring import working
from streamproc.worker.worker import Worker

LOOK_SECONDS = 0.1  # between two looks at a process, which take its time, too
MAIN = "from streamproc.cli.main import main; main()"
PATIENCE = 600.0  # seconds: only what does not happen takes so long, on the most crowded machine


def settings(bootstrap: str, **more: Any) -> dict[str, Any]:
    """Return what a config file says, with topics and a group of the test's own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    topics = {"prefix": f"{name}.", **more.pop("topics", {})}
    base = {"broker": f"kafka://{bootstrap}", "group": name, "http": {"port": 0}}
    return base | {"topics": topics} | more


def own_config(bootstrap: str, **more: Any) -> Config:
    """Return a config with topics and a group of the test's own."""
    return load(settings(bootstrap, **more))


async def publish(config: Config, events: Iterable[Any]) -> int:
    """Publish events as a user would; return how many."""
    count = 0
    async with Publisher(config=config) as publisher:
        for event in events:
            await publisher.send(event)
            count += 1
    return count


async def read_alerts(config: Config) -> list[AlertEvent]:
    """Return what a reader of the alerts sees, each once."""
    async with Alerts(config=config, follow=False) as alerts:
        return [alert async for alert in alerts]


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.02)


async def idle(worker: Worker) -> None:
    """Wait until a worker has nothing to do, or has failed."""
    await until(lambda: worker.failure is not None or worker.idle_seconds() > 0.1)


@asynccontextmanager
async def worker_of(config: Config) -> AsyncIterator[tuple[Worker, CollectorRegistry]]:
    """Run a worker in this process until the block ends."""
    registry = CollectorRegistry()
    async with working(config, Metrics(registry)) as worker:
        yield worker, registry


async def watch_all(config: Config) -> CollectorRegistry:
    """Run a worker until nothing is left to do; return its metrics."""
    async with worker_of(config) as (worker, registry):
        await idle(worker)
    return registry


def total(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """Return the sum of all samples of a metric with these labels."""
    return sum(
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == f"streamproc_{name}" and labels.items() <= sample.labels.items()
    )


async def ends(config: Config, stream: TopicKind) -> dict[int, int]:
    """Return the end offset of each partition of a topic."""
    async with open_consumer(config, config.topics.full_name(stream)) as consumer:
        found = await consumer.end_offsets(consumer.assignment())
    return {partition.partition: end for partition, end in found.items()}


async def committed(config: Config, stream: TopicKind) -> dict[int, int]:
    """Return what the config's group has committed of each partition of a topic."""
    topic = config.topics.full_name(stream)
    partitions = [TopicPartition(topic, number) for number in await ends(config, stream)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(config.bootstrap_servers),
        group_id=config.group,
        enable_auto_commit=False,
    )
    async with consumer:
        consumer.assign(partitions)
        return {tp.partition: await consumer.committed(tp) or 0 for tp in partitions}


class WorkerProcess:
    """`streamproc worker` as an operator runs it; ends with its block.

    Parameters
    ----------
    folder
        Where its config file goes.
    said
        What the config file says.
    flags
        Of the command, beside --config.
    """

    def __init__(self, folder: Path, said: dict[str, Any], *flags: str) -> None:
        self._file = folder / f"{uuid.uuid4().hex}.yaml"
        self.configure(said)
        self._flags = flags
        self._lines: list[str] = []
        self._news = asyncio.Condition()
        self._process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", MAIN, "worker", "--config", str(self._file), *self._flags),
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def logged(self, pattern: str, times: int = 1, within: float = PATIENCE) -> list[str]:
        """Wait until it has said something so many times; return what matched."""
        async with asyncio.timeout(within), self._news:
            while len(found := re.findall(pattern, self.stderr)) < times:
                assert not self._reading.done(), f"it ended and said only:\n{self.stderr}"
                await self._news.wait()
        return found

    def configure(self, said: dict[str, Any]) -> None:
        """Write another config file; nobody is told."""
        self._file.write_text(yaml.safe_dump(said))

    async def port(self) -> int:
        """Wait until it works; return its HTTP port."""
        return int((await self.logged(r"metrics on http://127\.0\.0\.1:(\d+)"))[0])

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def exit_code(self, seconds: float = PATIENCE) -> int:
        """Wait for its end."""
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
            await self._reading
        return code

    async def stop(self) -> int:
        """Stop it as an operator would, and return its exit code."""
        self.send(signal.SIGTERM)
        return await self.exit_code()

    async def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP server; return status and text."""
        url = f"http://127.0.0.1:{await self.port()}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    async def becomes(self, path: str, status: int, part: str = "") -> str:
        """Wait until its HTTP server answers with a status and a text with a part; return it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found, text = await self.get(path)
                if found == status and part in text:
                    return text
                await asyncio.sleep(LOOK_SECONDS)

    async def is_counted(self, name: str, value: float) -> None:
        """Wait until a metric, over all of its labels, is a number."""
        async with asyncio.timeout(PATIENCE):
            while await self.counted(name) != value:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(LOOK_SECONDS)

    async def counted(self, name: str) -> float:
        """Return a metric, over all of its labels."""
        _, text = await self.get("/metrics")
        return sum(map(float, _samples(name, text)))

    async def holds(self, partitions: int) -> None:
        """Wait until it owns so many partitions."""
        async with asyncio.timeout(PATIENCE):
            text = ""
            while len(_samples("lag_records", text)) < partitions:
                await asyncio.sleep(LOOK_SECONDS)
                _, text = await self.get("/metrics")

    async def has_counted(self, name: str, *, above: float = 0, within: float = PATIENCE) -> str:
        """Wait until a metric, over all of its labels, is more than a number; return all."""
        async with asyncio.timeout(within):
            while True:
                _, text = await self.get("/metrics")
                if sum(map(float, _samples(name, text))) > above:
                    return text
                await asyncio.sleep(0.02)

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            async with self._news:
                self._lines.append(line.decode())
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


def _samples(name: str, text: str) -> list[str]:
    labels = "" if "{" in name else "(?:{.*})?"
    return re.findall(rf"^streamproc_{name}{labels} (\S+)$", text, re.MULTILINE)
