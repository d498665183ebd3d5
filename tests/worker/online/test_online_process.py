"""The process of the online models."""

import asyncio
import subprocess

import pytest
from apache.kafka import ApacheKafka
from faust.types import TP
from prometheus_client import CollectorRegistry
from worker.online.online_workers import config_of, fill, outcomes
from worker.running import PATIENCE, total, until

from streamproc.worker.online.messages import TO_PARENT, LogLine
from streamproc.worker.online.online_process import OnlineProcess
from streamproc.worker.online.process import ORPHANED
from streamproc.worker.subprocesses import command, environment

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


def test_a_process_after_the_exit_of_its_worker() -> None:
    """Its warnings name its module, and it exits without a traceback once nobody reads them."""
    process = subprocess.Popen(  # noqa: S603  our own interpreter
        command("streamproc.worker.online.process"),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(config_of("127.0.0.1:1").model_dump_json().encode() + b"\n")
    process.stdin.flush()
    message = TO_PARENT.decode(process.stdout.readline())
    assert isinstance(message, LogLine)
    assert message.name == "streamproc.worker.online.process"
    assert message.text.startswith("online models: retrying in 1 s (cannot reach a Kafka broker")
    process.stdout.close()
    assert process.wait(PATIENCE) == ORPHANED
    assert process.stderr.read() == b""
