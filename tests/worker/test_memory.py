from pathlib import Path

import msgspec
import pytest
from worker.procfs import resident
from worker.running import WorkerProcess, settings

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

MAX_GROWTH = 10 * 2**20  # however long it goes on
ROUND = 1000


@pytest.mark.slow
async def test_endless_dead_letters_do_not_fill_the_memory(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Bad records under ever new keys leave nothing behind in a worker."""
    said = settings(embedded_broker.bootstrap, topics={"partitions": 1})
    config = load(said)
    await ensure_topics(config)
    bad = msgspec.json.encode({"model_id": "m", "prediction": [], "text": "x" * 500})
    async with (
        open_producer(config) as producer,
        WorkerProcess(tmp_path, said) as worker,
    ):

        async def send(first: int, last: int) -> None:
            topic = config.topics.full_name("predictions")
            # A few at a time: the embedded broker sends all that it has at once, and a burst of
            # 16 MB would be what is measured.
            for start in range(first, last, ROUND):
                for number in range(start, start + ROUND):
                    await producer.send(topic, bad, key=b"%d" % number)
                await producer.flush()
                await worker.has_counted("records_total", above=start + ROUND - 1)

        await send(0, 30_000)  # buffers have their size
        before = resident(worker.pid)
        await send(30_000, 60_000)
        assert resident(worker.pid) - before < MAX_GROWTH
