"""Topics change while workers run: partitions added, deleted and created again, created late."""

import asyncio
from collections.abc import Iterator

import msgspec
from aiokafka.admin import NewPartitions, NewTopic
from faults.ending import all_handled, finish
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import regained, same
from worker.running import LOOK_SECONDS, WorkerProcess, read_alerts

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_admin

ORDER = 11
FAULT = (
    "partitions added to `predictions`, then to the topics beside it; `predictions` deleted and"
    " created again; created with one partition by a producer before the first worker"
)
PASSES = (
    "read within 60 s; not ready, and an alert, while labels cannot be joined or the topic is gone;"
    " joins go on without a restart"
)
MODELS = 8
READ_SECONDS = 60.0
JOIN_SECONDS = 180.0


async def run(site: Site) -> str:
    """Change the topics in each way, each time with topics of its own."""
    return "; ".join([await _added(site), await _deleted(site), await _created_with_one(site)])


async def _added(site: Site) -> str:
    content = site.content(topics={"partitions": 2}, models=[{"id": "*", "task": "regression"}])
    config = load(content)
    count = MODELS * site.size(75, 750)
    log = _labelled(site.draw.randrange(2**32), 4 * count)
    async with WorkerProcess(site.folder, content) as worker:
        await _send(config, log, count)
        await worker.has_counted("outcomes_total", above=count - 1, within=JOIN_SECONDS)
        await _grow(config, "predictions", 4)
        await _is_ready(worker, ready=False)
        await _send(config, log, count, labels=False)
        await _handled(config)
        for kind in ("labels", "features"):
            await _grow(config, kind, 4)
        await _is_ready(worker, ready=True)
        before = await worker.counted("outcomes_total")
        await _send(config, log, count)
        wanted = before + count - 1
        await worker.has_counted("outcomes_total", above=wanted, within=JOIN_SECONDS)
        same("exit code", 0, await worker.stop())
    await finish(site, content)
    told = {alert.detector for alert in await read_alerts(config) if alert.kind == "system"}
    if "uneven_topics" not in told:
        raise Failed("no alert says that labels were not joined")
    await regained(config, least=0)
    return f"partitions added: {4 * count} events read, joins stopped, told, and went on"


async def _deleted(site: Site) -> str:
    content = site.content(topics={"partitions": 2})
    config = load(content)
    count = MODELS * site.size(700, 7000)
    log = _labelled(site.draw.randrange(2**32), 3 * count)
    async with WorkerProcess(site.folder, content) as worker:
        await _send(config, log, count, labels=False)
        await _handled(config)
        topic = config.topics.full_name("predictions")
        async with open_admin(config) as admin:
            await admin.delete_topics([topic])
            await _is_ready(worker, ready=False)
            await admin.create_topics([NewTopic(topic, 2, 1)])
        await _send(config, log, 2 * count, labels=False)
        await _handled(config)
        await _is_ready(worker, ready=True)
        same("exit code", 0, await worker.stop())
    await finish(site, content)
    found = await regained(config, least=10)
    return f"deleted and created again: {len(found.wanted.alerts)} alerts ≡G"


async def _created_with_one(site: Site) -> str:
    content = site.content(topics={"partitions": 3}, models=[{"id": "*", "task": "regression"}])
    config = load(content)
    count = MODELS * site.size(75, 750)
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(config.topics.full_name("predictions"), 1, 1)])
    async with WorkerProcess(site.folder, content) as worker:
        await _is_ready(worker, ready=True)
        await _send(config, _labelled(site.draw.randrange(2**32), count), count)
        await worker.has_counted("outcomes_total", above=count - 1, within=JOIN_SECONDS)
        same("exit code", 0, await worker.stop())
    return f"created with one partition: {count} labels joined"


def _labelled(seed: int, rows: int) -> Iterator[tuple[Sent, Sent]]:
    for event in events(seed, MODELS, rows):
        label = {name: event[name] for name in ("model_id", "event_id", "ts")}
        value = msgspec.json.encode(label | {"label": event["prediction"] + 0.1})
        yield sent(event), Sent(value, event["model_id"].encode(), stream="labels")


async def _send(
    config: Config, log: Iterator[tuple[Sent, Sent]], count: int, *, labels: bool = True
) -> None:
    pairs = [next(log) for _ in range(count)]
    await send(config, [event for event, _ in pairs])
    if labels:
        await send(config, [label for _, label in pairs])


async def _grow(config: Config, kind: TopicKind, partitions: int) -> None:
    async with open_admin(config) as admin:
        topic = config.topics.full_name(kind)
        await admin.create_partitions({topic: NewPartitions(partitions)})


async def _handled(config: Config) -> None:
    async with asyncio.timeout(READ_SECONDS):
        await all_handled(config)


async def _is_ready(worker: WorkerProcess, *, ready: bool) -> None:
    wanted = 200 if ready else 503
    async with asyncio.timeout(READ_SECONDS):
        while (await worker.get("/readyz"))[0] != wanted:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(LOOK_SECONDS)
