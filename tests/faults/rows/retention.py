"""Retention takes records before a worker has fetched them."""

import re
import signal
from itertools import islice

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from faults.ending import all_handled, finish
from faults.matrix import Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import same
from worker.running import WorkerProcess, ends, read_alerts

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin

ORDER = 12
FAULT = "retention overtakes a worker that is paused within its session, and one that is stopped"
PASSES = "a `state_gap` for each partition names the offsets that were lost; the rest is handled"
MODELS = 8
GONE = re.compile(r"records (\d+) to (\d+) were deleted")


async def run(site: Site) -> str:
    """Take half of what waits, once while the worker is paused and once while it is stopped."""
    said = site.said(topics={"partitions": 2})
    config = load(said)
    count = MODELS * site.size(250, 2500)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
    await send(config, islice(log, count))
    async with WorkerProcess(site.folder, said) as worker:
        await worker.has_counted("records_total", above=count - 1)
        await all_handled(config)
        worker.send(signal.SIGSTOP)
        lost = await _overtake(config, list(islice(log, count)))
        worker.send(signal.SIGCONT)
        await all_handled(config)
        await worker.has_counted("state_gaps_total", above=len(lost) - 1)
        same("exit code", 0, await worker.stop())
    same("lost while paused", lost, await _told(config))
    lost |= await _overtake(config, list(islice(log, count)))
    await finish(site, said)
    same("lost while stopped, too", lost, await _told(config))
    return (
        f"{sum(stop - start for _, start, stop in lost)} records gone in {len(lost)} gaps, all told"
    )


async def _overtake(config: Config, log: list[Sent]) -> set[tuple[int, int, int]]:
    """Send events and delete half of them; return partition, first offset, and the one after."""
    before = await ends(config, "predictions")
    await send(config, log)
    after = await ends(config, "predictions")
    cut = {number: (before[number] + after[number]) // 2 for number in after}
    topic = config.topics.full_name("predictions")
    async with open_admin(config) as admin:
        await admin.delete_records(
            {TopicPartition(topic, number): RecordsToDelete(at) for number, at in cut.items()}
        )
    return {(number, before[number], at) for number, at in cut.items() if at > before[number]}


async def _told(config: Config) -> set[tuple[int, int, int]]:
    """Return what alerts say is lost."""
    found = [alert for alert in await read_alerts(config) if alert.detector == "state_gap"]
    spans = [(alert.source.partition, GONE.search(alert.message)) for alert in found]
    return {(number, int(m[1]), int(m[2]) + 1) for number, m in spans if m is not None}
