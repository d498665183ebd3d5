"""Read alerts or events, and measure their age on arrival."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.tools.bench.process import BenchError, answer, settings

QUIET_SECONDS = 3.0  # after that much silence past the end of the load, nothing comes any more
FETCH_WAIT_MS = 100


class Seen(msgspec.Struct):
    """What counts of an alert or an event: the time of the event's making."""

    ts: datetime | float


async def listen(options: dict[str, Any]) -> dict[str, Any]:
    """Read until nothing comes any more; give percentiles of the ages past the first seconds."""
    config = Config.model_validate(options["config"])
    topic = config.topics.full_name("predictions" if options["floor"] else "alerts")
    decode = msgspec.json.Decoder(Seen).decode
    ages: list[tuple[float, float]] = []
    async with open_consumer(config, topic, fetch_max_wait_ms=FETCH_WAIT_MS) as consumer:
        await consumer.seek_to_end()
        (Path(options["folder"]) / "listening").touch()
        first = await _take(consumer, options["seconds"] * 1000)
        while first:
            now = time.time()
            for value in first:
                ts = decode(value).ts
                made = ts.timestamp() if isinstance(ts, datetime) else ts
                ages.append((made, now - made))
            first = await _take(consumer, QUIET_SECONDS * 1000)
    return _figures(ages, options["settle"], floor=options["floor"])


async def _take(consumer: AIOKafkaConsumer, milliseconds: float) -> list[bytes]:
    found = await consumer.getmany(timeout_ms=int(milliseconds))
    return [record.value for records in found.values() for record in records]


def _figures(ages: list[tuple[float, float]], settle: float, *, floor: bool) -> dict[str, Any]:
    begin = min((made for made, _ in ages), default=0.0) + settle
    counted = [age * 1000 for made, age in ages if made >= begin]
    if not counted:
        raise BenchError(
            f"no {'event' if floor else 'alert'} came after the first seconds:"
            " use more --events (latency: 75000 or more)"
        )
    names = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
    figures = np.percentile(counted, [50, 90, 99, 100]).tolist()
    return dict(zip(names, figures, strict=True)) | {"counted": len(counted)}


if __name__ == "__main__":
    options = settings()
    answer(options, asyncio.run(listen(options)))
