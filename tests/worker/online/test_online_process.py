"""The process of the online models."""

import asyncio

import pytest
from apache.kafka import ApacheKafka
from faust.types import TP
from prometheus_client import CollectorRegistry
from worker.online.online_workers import config_of, fill, outcomes
from worker.running import PATIENCE, total, until

from streamproc.worker.online.online_process import OnlineProcess

ROWS = 100


@pytest.mark.kafka
async def test_a_process_that_starts_while_no_broker_answers(
    apache_kafka: ApacheKafka, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits for one, and then learns."""
    config = config_of(apache_kafka.bootstrap)
    await fill(config, list(outcomes(ROWS)))
    await asyncio.to_thread(apache_kafka.stop, 1)
    registry = CollectorRegistry()
    process = OnlineProcess(config, registry)
    await process.start()
    try:
        process.own([TP(config.topics.full_name("predictions"), 0)], 1)
        await until(lambda: "online models: retrying" in caplog.text)
        await asyncio.to_thread(apache_kafka.start, 1)
        async with asyncio.timeout(PATIENCE):
            while total(registry, "learn_records_total") < 2 * ROWS:
                await process.behind()  # waits for a report
    finally:
        await process.stop()
