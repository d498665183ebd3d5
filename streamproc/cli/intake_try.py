"""Map a sample of records, and print what each becomes."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import typer
from aiokafka import AIOKafkaConsumer

from streamproc.config.config import Config
from streamproc.decode.structs import DECODE_ERRORS
from streamproc.errors import ConfigError
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Schemas
from streamproc.intake.mapper import Mapper, describe, mappers
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import TopicError
from streamproc.kafka.topics import has_topic
from streamproc.monitor import LogRecord
from streamproc.schemas.records import Record
from streamproc.terminal import count, note, printable

_SILENCE_SECONDS: Final = 10.0


class SampledRecord(NamedTuple):
    """A record, and where it was read."""

    topic: str
    partition: int
    record: Record


async def try_records(config: Config, source: str, sample: int, topic: str | None) -> bool:
    """Print what records become; return whether none of them became an event.

    Raises
    ------
    ConfigError
        If no entry of `intake` matches the topic.
    RegistryUnavailableError
        If records name schemas, and the registry does not give them.
    TopicError
        If there is neither such a file nor such a topic.
    """
    if not config.intake:
        raise ConfigError("intake: no entry is configured; --config names a file with one")
    if await asyncio.to_thread(Path(source).is_file):
        name = topic or next(iter(config.intake[0].source.topics), source)
        mapper = mappers(config)(name) if topic else Mapper(config.intake[0], config)
        records = list(islice(_lines(Path(source), name), sample))
    else:
        if not await has_topic(config, source):
            raise TopicError(f"neither a file nor a topic is called {source!r}")
        mapper = mappers(config)(source)
        records = await _last(config, source, sample)
    if mapper is None:
        raise ConfigError(f"intake: no entry matches topic {topic or source!r}")
    return _print(mapper, records, await _schemas(config, mapper, records))


async def _schemas(
    config: Config, mapper: Mapper, records: Sequence[SampledRecord]
) -> Schemas | None:
    """Fetch the schemas that records name; None if no registry is configured."""
    if config.registry is None:
        return None
    from streamproc.registry.client import registry_client  # noqa: PLC0415  an extra

    async with registry_client(config.registry) as client:
        named = sorted(mapper.schemas_of(sampled.record for sampled in records))
        return {ref: await client.schema(ref) for ref in named}


def _print(mapper: Mapper, records: Sequence[SampledRecord], schemas: Schemas | None) -> bool:
    counts: Counter[str] = Counter()
    for sampled in records:
        where = f"{sampled.topic}-{sampled.partition}@{sampled.record.offset}"
        try:
            mapped = mapper.map(sampled.record, sampled.topic, sampled.partition, schemas)
        except IntakeError as error:
            counts["refused"] += 1
            typer.echo(f"{where}  refused: {error.reason.value}: {printable(error.detail)}")
            continue
        counts["skipped"] += mapped.skipped is not None
        counts["refused"] += len(mapped.refused)
        counts.update(event.to for event in mapped.events)
        for line in describe(mapped):
            typer.echo(f"{where}  {printable(line)}")
        for done in mapped.notes:
            verb = "converted from" if done.kind == "coerced" else "missing, sent as"
            typer.echo(f"{where}    {printable(done.field)}: {verb} {done.found}")
    parts = [f"{number} {name}" for name, number in sorted(counts.items()) if number]
    note(f"{count(len(records), 'record')}: {', '.join(parts) or 'nothing'}")
    return bool(records) and not counts.keys() & {"predictions", "features", "labels"}


def _lines(path: Path, topic: str) -> Iterator[SampledRecord]:
    """Read a record a line: its value, or what `kcat -J` prints."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if value := line.strip():
                yield _of_kcat(value) or SampledRecord(topic, 0, LogRecord(number, value))


def _of_kcat(line: bytes) -> SampledRecord | None:
    try:
        found: Any = msgspec.json.decode(line)
    except DECODE_ERRORS:
        return None
    if not isinstance(found, dict) or not {"topic", "partition", "offset", "payload"} <= set(found):
        return None
    names = found.get("headers") or []
    texts = [None if each is None else str(each) for each in names]
    headers = [
        (str(name), None if value is None else value.encode())
        for name, value in zip(texts[::2], texts[1::2], strict=False)
    ]
    payload, key = found["payload"], found.get("key")
    if not isinstance(payload, str | None):
        payload = msgspec.json.encode(payload).decode()
    record = LogRecord(
        int(found["offset"]),
        None if payload is None else payload.encode(),
        int(found.get("ts") or 0),
        None if key is None else str(key).encode(),
        headers,
    )
    return SampledRecord(str(found["topic"]), int(found["partition"]), record)


async def _last(config: Config, topic: str, sample: int) -> list[SampledRecord]:
    """Read the last records of a topic, as many of each partition."""
    async with open_consumer(config, topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        begins = await consumer.beginning_offsets(consumer.assignment())
        share = -(-sample // max(1, len(ends)))
        for home, end in ends.items():
            consumer.seek(home, max(begins[home], end - share))
        found = await _read_to(consumer, ends)
    return sorted(found, key=lambda each: (each.record.timestamp, each.partition))[-sample:]


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[Any, int]) -> list[SampledRecord]:
    found: list[SampledRecord] = []
    left = {home for home in ends if await consumer.position(home) < ends[home]}
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while left and loop.time() - heard < _SILENCE_SECONDS:
        for home, records in (await consumer.getmany(*left, timeout_ms=500)).items():
            heard = loop.time()
            found += [SampledRecord(home.topic, home.partition, each) for each in records]
        left = {home for home in left if await consumer.position(home) < ends[home]}
    return found
