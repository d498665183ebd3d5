"""Producers and topics compress as they like."""

import asyncio
from itertools import cycle, islice
from pathlib import Path

from apache.distribution import jars, java
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, sent
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

ORDER = 6.2
FAULT = (
    "batches in gzip, snappy, lz4, zstd from librdkafka and Kafka's Java producer;"
    " `compression.type` of each topic, ours too, set to each while they come"
)
PASSES = "≡G, state too; no restart; no dead letter"
MODELS = 8
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
TOPIC_TYPES = ("producer", "uncompressed", *CODECS[1:])
PROGRAM = Path(__file__).parents[1] / "Produce.java"


async def run(site: Site) -> str:
    """Send a part for each codec under each type of topic, to one worker."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    await ensure_topics(config)
    pairs = [(kind, codec) for kind in TOPIC_TYPES for codec in CODECS]
    each = site.size(2000, 40_000) // len(pairs)
    log = map(sent, events(site.draw.randrange(2**32), MODELS, 10**9))
    count = 0
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        # Topics have the type `producer`: with any other the broker compresses what it gets.
        by_java = {codec: list(islice(log, each * MODELS)) for codec in CODECS}
        await _send_by_java(config, by_java)
        count += sum(map(len, by_java.values()))
        for kind, codec in pairs:
            part = list(islice(log, each * MODELS))
            await asyncio.to_thread(_set_types, config, kind)
            await asyncio.to_thread(_send, config, codec, part)
            count += len(part)
            await worker.has_counted("records_total", above=count - 1)
        same("health", (200, "ok\n"), await worker.get("/healthz"))
        same("exit code", 0, await worker.stop())
        if "Traceback" in worker.stderr:
            raise Failed(worker.stderr[-500:])
    found = await equal(config, least=20)
    same("dead letters", 0, len(found.found.letters))
    return f"{len(pairs)} pairs of codec and type, {count} events; {len(found.wanted.alerts)} ≡G"


def _send(config: Config, codec: str, part: list[Sent]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": config.bootstrap_servers[0],
            "compression.type": codec,
            "linger.ms": 20,
        }
    )
    topic, homes = config.topics.full_name("predictions"), _homes(part)
    for each in part:
        producer.produce(topic, each.value, each.key, partition=homes[each.key or b""])
        producer.poll(0)
    left = producer.flush(60)
    if left:
        raise Failed(f"{left} records were not taken in {codec}")


async def _send_by_java(config: Config, parts: dict[str, list[Sent]]) -> None:
    lines = [
        b"%b\t%d\t%b\t%b\n" % (codec.encode(), homes[each.key], each.key, each.value)
        for codec, part in parts.items()
        for homes in [_homes(part)]
        for each in part
        if each.key
    ]
    given = config.bootstrap_servers[0], config.topics.full_name("predictions")
    program = await asyncio.create_subprocess_exec(
        *(java(), "-cp", str(jars() / "*"), str(PROGRAM), *given),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await program.communicate(b"".join(lines))
    if program.returncode:
        raise Failed(f"{PROGRAM.name} ended with {program.returncode}: {errors.decode()[-500:]}")


def _homes(part: list[Sent]) -> dict[bytes, int]:
    """Return the partition of each key, half of them on either."""
    return dict(zip(sorted({each.key for each in part if each.key}), cycle((0, 1)), strict=False))


def _set_types(config: Config, kind: str) -> None:
    admin = AdminClient({"bootstrap.servers": config.bootstrap_servers[0]})
    prefix = config.topics.prefix
    names = [name for name in admin.list_topics(timeout=30).topics if name.startswith(prefix)]
    entry = ConfigEntry("compression.type", kind, incremental_operation=AlterConfigOpType.SET)
    resources = [
        ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in names
    ]
    for done in admin.incremental_alter_configs(resources).values():
        done.result(30)
