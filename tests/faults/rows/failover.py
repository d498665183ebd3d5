"""A killed worker's partitions are taken over by another one."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack

from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal
from worker.procfs import children
from worker.running import WorkerProcess, ends

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.log_reader import handled
from streamproc.worker.app import SESSION_SECONDS

ORDER = 5.5
FAULT = "SIGKILL of one of two workers: two services, and two under one supervisor"
PASSES = (
    "each of its partitions has handled and committed what came after the kill within the session"
    f" time-out ({SESSION_SECONDS:.0f} s) + 5 s; ≡G, state too"
)
MODELS, ALLOWED = 16, 5.0


async def run(site: Site) -> str:
    """Kill in each form of running two, several times, and measure."""
    rounds = site.size(3, 20)
    figures = []
    for name, supervised in (("two services", False), ("`--processes 2`", True)):
        slowest = max([await _round(site, supervised=supervised) for _ in range(rounds)])
        figures.append(f"{name}: at most {slowest - SESSION_SECONDS:+.1f} s in {rounds} kills")
        if slowest > SESSION_SECONDS + ALLOWED:
            raise Failed(f"{figures[-1]} beyond the session time-out")
    return f"beyond the session time-out: {'; '.join(figures)}"


async def _round(site: Site, *, supervised: bool) -> float:
    """Return the seconds from a kill until every partition has gone on."""
    content = site.content()
    config = load(content)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    async with under_load(config, log, rate=1000) as enough, AsyncExitStack() as stack:
        if supervised:
            both = WorkerProcess(site.folder, content, "--processes", "2")
            workers = [await stack.enter_async_context(both)]
            await both.logged("watching kafka", times=2)
            victim = site.draw.choice(children(both.pid))
        else:
            workers = [
                await stack.enter_async_context(WorkerProcess(site.folder, content))
                for _ in range(2)
            ]
            for worker in workers:
                await worker.has_counted("records_total", above=200)
            victim = workers.pop(site.draw.randrange(2)).pid
        await _passed(config, await _ends(config))  # both work, and have written down where
        await asyncio.sleep(site.draw.random())
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        await _passed(config, await _ends(config))
        seconds = time.monotonic() - began
        enough()
        for worker in workers:
            worker.send(signal.SIGTERM)
            await worker.exit_code(30)
    await finish(site, content)
    await equal(config)
    return seconds


async def _ends(config: Config) -> dict[tuple[str, int], int]:
    topic = config.topics.full_name("predictions")
    return {(topic, number): end for number, end in (await ends(config, "predictions")).items()}


async def _passed(config: Config, log: dict[tuple[str, int], int]) -> None:
    """Wait until the group has committed a record past each of these offsets."""
    topic = config.topics.full_name("predictions")
    async with asyncio.timeout(60):
        while True:
            now = await handled(config, {topic})
            if all(now.get(partition, 0) > end for partition, end in log.items()):
                return
