"""Producers that write in transactions: committed, aborted, and never ended."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

ORDER = 6.8
FAULT = "transactions: committed, aborted and hanging, with other records between them"
PASSES = (
    "only what was committed is watched; ≡G under read_committed; what a hanging one holds back is"
    " logged, counted and not ready, and no restart; when it ends, it is read"
)
MODELS = 8


async def run(site: Site) -> str:
    """Abort every third part, let one hang for longer than `limits.stall`, then commit it."""
    content = site.content(topics={"partitions": 1}, limits={"stall": "3s"})
    config = load(content)
    await ensure_topics(config)
    log = list(map(sent, events(site.draw.randrange(2**32), MODELS, site.size(1200, 12_000))))
    size = len(log) // 12
    parts = [log[start : start + size] for start in range(0, len(log), size)]
    watched = 0
    async with WorkerProcess(site.folder, content) as worker, _producer(config) as producer:
        await worker.port()
        for number, part in enumerate(parts[:-2]):
            if number % 3 == 2:
                await _write(config, producer, part, commit=False)
                continue
            watched += len(part)
            if number % 3:
                await _write(config, producer, part, commit=True)
            else:
                await send(config, part)
            await worker.has_counted("records_total", above=watched - 1)
        await producer.begin_transaction()
        await _put(config, producer, parts[-2])
        await send(config, parts[-1])  # behind the one that hangs
        held = len(parts[-2]) + len(parts[-1])
        await worker.logged(r"predictions-0 is held back at offset \d+ by a transaction")
        same("held back", held, await worker.counted("transaction_held_records"))
        status, text = await worker.get("/readyz")
        if status != 503 or "transaction" not in text:
            raise Failed(f"/readyz answers {status}: {text}")
        same("health", (200, "ok\n"), await worker.get("/healthz"))
        same("records", watched, await worker.counted("records_total"))
        await asyncio.sleep(4)  # longer than `limits.stall` once more: no restart
        await producer.commit_transaction()
        await worker.has_counted("records_total", above=watched + held - 1)
        await _ready(worker)
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=10)
    same("dead letters", 0, len(found.found.letters))
    return (
        f"{watched + held} of {len(log)} records watched; {held} held back and told, then"
        f" read; {len(found.wanted.alerts)} alerts ≡G"
    )


def _producer(config: Config) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=config.bootstrap_servers,
        transactional_id=config.topics.prefix,
        transaction_timeout_ms=600_000,
    )


async def _write(
    config: Config, producer: AIOKafkaProducer, part: Sequence[Sent], *, commit: bool
) -> None:
    await producer.begin_transaction()
    await _put(config, producer, part)
    if commit:
        await producer.commit_transaction()
    else:
        await producer.abort_transaction()


async def _put(config: Config, producer: AIOKafkaProducer, part: Sequence[Sent]) -> None:
    topic = config.topics.full_name("predictions")
    for each in part:
        await producer.send(topic, each.value, each.key)
    await producer.flush()


async def _ready(worker: WorkerProcess) -> None:
    async with asyncio.timeout(60):
        while (await worker.get("/readyz"))[0] != 200:
            pass  # each look waits for the worker
