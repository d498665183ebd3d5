"""A worker stands still for longer than its session, and then goes on."""

import asyncio
import signal

from faults.ending import finish
from faults.judging import equal, snapshots
from faults.matrix import Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from worker.running import WorkerProcess

from streamproc.contract.config import Config
from streamproc.contract.load import load

ORDER = 5
FAULT = "SIGSTOP past the session time-out, then SIGCONT: a zombie"
PASSES = "≡G, state too; its stale snapshots are never chosen"
MODELS, PARTITIONS = 8, 8


async def run(site: Site) -> str:
    """Stop one of two workers until the other has everything, then let it go on."""
    said = site.said(snapshots={"interval": "0s"})
    config = load(said)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    async with (
        under_load(config, log, rate=800) as enough,
        WorkerProcess(site.folder, said) as one,
        WorkerProcess(site.folder, said) as other,
    ):
        await one.has_counted("records_total", above=200)
        await other.has_counted("records_total", above=200)
        for _ in range(site.size(1, 10)):
            await asyncio.sleep(site.draw.random())
            one.send(signal.SIGSTOP)
            await other.holds(PARTITIONS)
            await asyncio.sleep(2 * site.draw.random())
            one.send(signal.SIGCONT)
            await asyncio.sleep(3)
        enough()
        one.send(signal.SIGTERM)
        other.send(signal.SIGTERM)
        codes = [await worker.exit_code(30) for worker in (one, other)]
    await finish(site, said)
    found = await equal(config, least=20)
    stale = await _stale(config)
    return (
        f"{stale} stale snapshots, none chosen; exit codes {codes};"
        f" {len(found.wanted.alerts)} alerts ≡G, {found.found.repeated} again"
    )


async def _stale(config: Config) -> int:
    """Count snapshots that were written when one of a later owner was there already."""
    _, kept = await snapshots(config)
    count = 0
    for of_partition in kept.values():
        newest = 0
        for each in of_partition:
            count += each.key.epoch < newest
            newest = max(newest, each.key.epoch)
    return count
