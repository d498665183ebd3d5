"""Clocks are wrong: those of producers, and the worker's own."""

import time
from typing import Any

from faults.matrix import Site
from faults.traffic import events, send, sent
from faults.verdicts import equal
from worker.snapshots.snapshots_running import live

from streamproc.config.load import load
from streamproc.worker.pipeline import Pipeline

ORDER = 8
FAULT = "clocks a day off either way, time running backwards"
PASSES = "≡G, state too (no wall clock in the core)"
MODELS, DAY = 8, 86_400


class Astray(Pipeline):
    """Reads a clock that jumps by a day, to and fro."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        calls = iter(range(10**9))
        super().__init__(
            *arguments, clock=lambda: time.time() + DAY * (next(calls) % 3 - 1), **more
        )


async def run(site: Site) -> str:
    """Move the times of events and records about, and the worker's with each slice."""
    config = load(site.content())
    log = []
    now = int(time.time() * 1000)
    for event in events(site.draw.randrange(2**32), MODELS, 2000):
        event["ts"] += site.draw.choice((-DAY, 0, 0, DAY)) - site.draw.randrange(60)
        if site.draw.random() < 0.1:
            del event["ts"]  # the record's counts
        # Brokers refuse records from more than an hour ahead.
        moved = site.draw.choice((-DAY, 0, 3000)) * 1000
        log.append(sent(event)._replace(timestamp=now + moved))
    half = len(log) // 2
    await send(config, log[:half])
    await live(config, line=Astray)
    await send(config, log[half:])
    await live(config, line=Astray)
    found = await equal(config, least=20)
    return f"{len(found.wanted.alerts)} alerts ≡G, and the state"
