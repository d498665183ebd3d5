"""A topic with more partitions than configured is reported: it exceeds `limits.max_series`."""

import logging

import pytest
from aiokafka.admin import NewTopic
from prometheus_client import CollectorRegistry
from worker.running import idle, own_config, total, until, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin
from streamproc.worker.partition_share import PartitionShare

MORE = "has 8 partitions and topics.partitions is 4"


def test_more_partitions_than_configured_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line says how many series may be watched, and what to set; again when more come."""
    shown: dict[str, float] = {}
    config = load({"limits": {"max_series": 1000}, "topics": {"partitions": 4}})
    share = PartitionShare(config, shown.__setitem__)
    for counts in ({"p": 4, "f": 0}, {"p": 8}, {"p": 8}, {"p": 12}):
        share.check(counts)
    assert [record.args and record.args[1:4] for record in caplog.records] == [
        (8, 4, 2000),
        (12, 4, 3000),
    ]
    assert MORE in caplog.records[0].getMessage()
    assert shown == {"p": 3.0}


async def test_a_worker_reports_a_topic_that_exceeds_the_limit(
    embedded_broker: EmbeddedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    """Where an operator made a topic with more partitions, log and metric say so."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 4})
    name = config.topics.full_name("predictions")
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(name, 8, 1)])
    with caplog.at_level(logging.WARNING):
        async with worker_of(config) as (worker, registry):
            await idle(worker)
            await until(lambda: _ratio(registry, name) > 0)
            assert _ratio(registry, name) == 2.0
    assert sum(f"{name} {MORE}" in record.getMessage() for record in caplog.records) == 1


def _ratio(registry: CollectorRegistry, topic: str) -> float:
    return total(registry, "partitions_to_configured_ratio", topic=topic)
