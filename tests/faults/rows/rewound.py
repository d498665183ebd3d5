"""The log goes back: data of a moment ago, and a topic created again under the same name."""

import asyncio
import signal
from itertools import islice
from typing import Any

from faults.cluster_tools import keep_data, recreate_topic, restore_data
from faults.ending import FINISH_SECONDS, finish
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.verdicts import regained, same
from worker.running import WorkerProcess, ends, read_alerts

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.log_reader import handled

ORDER = 10
FAULT = (
    "the log goes back while a worker runs or is stopped: the broker restored from a copy"
    " of its data, the topic created again under the same name; new records at the same offsets"
)
PASSES = (
    "new records are read; a `state_gap` says so; of what the topic holds now every alert is there"
    " and the state is that of G"
)
MODELS = 8


async def run(site: Site) -> str:
    """Go back in each way, each time with topics of its own."""
    # A worker that is stopped while the broker is restored finds its snapshots restored, too.
    cases = [("restored", True), ("created again", True), ("created again", False)]
    return "; ".join([await _go_back(site, how, running=running) for how, running in cases])


async def _go_back(site: Site, how: str, *, running: bool) -> str:
    content = site.content(
        topics={"partitions": 2}, snapshots={"interval": "1h" if running else "200ms"}
    )
    config = load(content)
    count = MODELS * site.size(700, 7000)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
    await send(config, islice(log, count))
    if how == "restored":
        await finish(site, content)
        copy = site.folder / f"copy-{running}"
        await keep_data(site.kafka, copy)
        await send(config, islice(log, count))
    async with WorkerProcess(site.folder, content) as worker:
        await worker.has_counted("records_total", above=count - 1)
        if not running:
            await _stop(worker)
        if how == "restored":
            await restore_data(site.kafka, copy)
        else:
            await recreate_topic(config, "predictions", 2)
        # More than before: where the worker was, there are records again.
        await send(config, islice(log, 2 * count))
        if running:
            await _all_handled(config)
            await _stop(worker)
    await finish(site, content)
    gaps = {alert.alert_id for alert in await read_alerts(config) if alert.detector == "state_gap"}
    if not gaps:
        raise Failed(f"{how}, running={running}: nothing reported that the log went back")
    found = await regained(config, least=10)
    state = "running" if running else "stopped"
    return f"{how} ({state}): {len(found.wanted.alerts)} alerts ≡G, {len(gaps)} gaps told"


async def _stop(worker: WorkerProcess) -> None:
    worker.send(signal.SIGTERM)
    same("exit code", 0, await worker.exit_code(60))


async def _all_handled(config: Config) -> None:
    topic = config.topics.full_name("predictions")
    wanted: dict[Any, int] = {
        (topic, number): end for number, end in (await ends(config, "predictions")).items()
    }
    async with asyncio.timeout(FINISH_SECONDS):
        while await handled(config, {topic}) != wanted:
            pass  # each look waits for the broker
