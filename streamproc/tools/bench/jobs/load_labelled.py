"""Write events and their labels to their topics."""

import asyncio
import time
from itertools import product
from typing import Any

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.tools.bench.jobs.load import BATCH_BYTES
from streamproc.tools.bench.labelled_workload import LabelledWorkload, messages
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import PARTITIONS

# Events and labels interleave as fast as they could be made.
A_MILLISECOND = 40


async def put(options: dict[str, Any]) -> int:
    """Write a workload to its topics, in batches; return how many events."""
    config = Config.model_validate(options["config"])
    await ensure_topics(config)
    workload = LabelledWorkload(*options["workload"])
    names = {kind: config.topics.full_name(kind) for kind in ("features", "labels")}
    stamp = int(time.time() * 1000)  # brokers drop records whose time is long past
    async with open_producer(config, max_batch_size=BATCH_BYTES) as producer:
        places = list(product(names, range(PARTITIONS)))
        builders = {place: producer.create_batch() for place in places}

        async def send(place: tuple[str, int]) -> None:
            kind, partition = place
            if builders[place].record_count():
                sent = await producer.send_batch(builders[place], names[kind], partition=partition)
                await sent
            builders[place] = producer.create_batch()

        for number, (kind, partition, key, value) in enumerate(messages(workload)):
            place, at = (kind, partition), stamp + number // A_MILLISECOND
            if builders[place].append(key=key, value=value, timestamp=at) is None:
                await send(place)
                builders[place].append(key=key, value=value, timestamp=at)
        for place in places:
            await send(place)
    return workload.events


if __name__ == "__main__":
    options = settings()
    answer(options, {"events": asyncio.run(put(options))})
