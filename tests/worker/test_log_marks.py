"""A log is another one only if it stays so."""

import asyncio
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from broker_topics import records
from worker.running import own_config

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker import log_marks
from streamproc.worker.log_marks import RecordMark, contradicted, mark_of

TIME = 1_767_225_600_000


@dataclass
class _Record:
    offset: int
    value: bytes
    timestamp: int = TIME
    key: bytes = b"m"


async def _write(config: Config, *values: bytes) -> None:
    topic = config.topics.full_name("predictions")
    async with open_producer(config) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, b"m", timestamp_ms=TIME, partition=0)


async def _contradicted(config: Config, mark: RecordMark) -> bool:
    place = config.topics.full_name("predictions"), 0
    return await contradicted(config, {place: mark}) == {place}


async def test_an_end_of_the_past_does_not_contradict_a_log(
    embedded_broker: EmbeddedBroker,
) -> None:
    """A broker that was frozen reports it until it learns of the leader that followed it."""
    config = own_config(embedded_broker.bootstrap)
    await ensure_topics(config)
    await _write(config, b"0", b"1")
    looking = asyncio.create_task(_contradicted(config, mark_of(_Record(2, b"2"))))
    done, _ = await asyncio.wait({looking}, timeout=1)
    assert not done
    await _write(config, b"2")
    assert not await looking


async def test_another_record_at_the_offset_contradicts_a_log(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does an end that stays before it; the record itself does not."""
    monkeypatch.setattr(log_marks, "CONFIRM_SECONDS", 0.0)
    config = own_config(embedded_broker.bootstrap)
    await ensure_topics(config)
    await _write(config, b"0", b"1")
    [*_, last] = await records(config, "predictions")
    assert not await _contradicted(config, mark_of(last))
    assert await _contradicted(config, mark_of(_Record(1, b"other")))
    assert await _contradicted(config, mark_of(_Record(2, b"2")))


async def test_a_log_that_is_cut_during_the_check_is_contradicted(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that gave a later end, and has no record there, does not confirm a mark."""
    monkeypatch.setattr(log_marks, "CONFIRM_SECONDS", 0.0)

    async def longer(_: AIOKafkaConsumer, homes: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(homes, 6)

    config = own_config(embedded_broker.bootstrap)
    await ensure_topics(config)
    await _write(config, b"0", b"1")
    monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", longer)
    assert await _contradicted(config, mark_of(_Record(5, b"5")))
