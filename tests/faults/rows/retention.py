"""Retention takes records before a worker has fetched them."""

import asyncio
import re
import signal
from collections.abc import Iterable
from itertools import islice

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from faults.ending import all_handled, finish
from faults.matrix import Failed, Site
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
FETCH_SECONDS = 2.0  # then no fetch waits at the broker
Gap = tuple[int, int, int]  # partition, first offset, and the one after the last
GONE = re.compile(r"records (\d+) to (\d+) were deleted")


async def run(site: Site) -> str:
    """Take half of what waits, once while the worker is paused and once while it is stopped."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    count = MODELS * site.size(250, 2500)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
    await send(config, islice(log, count))
    async with WorkerProcess(site.folder, content) as worker:
        await worker.has_counted("records_total", above=count - 1)
        await all_handled(config)
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(FETCH_SECONDS)
        lost = await _overtake(config, list(islice(log, count)))
        worker.send(signal.SIGCONT)
        await all_handled(config)
        handled = await worker.counted("records_total")
        same("exit code", 0, await worker.stop())
    reported = await _reported(config)
    if not reported or not all(any(_ends(each, of) for of in lost) for each in reported):
        raise Failed(f"lost while paused: {reported}, not the ends of {lost}")
    same("handled, beside what was lost", 2 * count - _records(reported), handled)
    stopped = await _overtake(config, list(islice(log, count)))
    await finish(site, content)
    same("lost while stopped, too", reported | stopped, await _reported(config))
    gaps = reported | stopped
    return f"{_records(gaps)} records gone in {len(gaps)} gaps, all reported"


def _ends(gap: Gap, lost: Gap) -> bool:
    """Whether a gap is the end of what was lost."""
    return gap[0] == lost[0] and lost[1] <= gap[1] < gap[2] == lost[2]


def _records(gaps: Iterable[Gap]) -> int:
    return sum(stop - start for _, start, stop in gaps)


async def _overtake(config: Config, log: list[Sent]) -> set[Gap]:
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


async def _reported(config: Config) -> set[Gap]:
    """Return what alerts say is lost."""
    found = [alert for alert in await read_alerts(config) if alert.detector == "state_gap"]
    spans = [(alert.source.partition, GONE.search(alert.message)) for alert in found]
    return {(number, int(m[1]), int(m[2]) + 1) for number, m in spans if m is not None}
