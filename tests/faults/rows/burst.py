"""Ten times as many events come for a while."""

import asyncio
import time

from faults.matrix import Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same, snapshots
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 11
FAULT = "10× burst (5 min; 8 s in the short form)"
PASSES = "≡G, state too; RSS ≤ 400 MiB; the lag drains; no rebalance that it causes"
MODELS, RATE, CAP = 20, 1000, 400 * 2**20


async def run(site: Site) -> str:
    """Send at a rate, then at ten times of it, and watch the worker's memory and lag."""
    content = site.content(limits={"slice_records": 5000}, snapshots={"interval": "1s"})
    config = load(content)
    seconds = site.size(8, 300)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, resident(worker.pid))
                await asyncio.sleep(0.1)

        watching = asyncio.create_task(watch())
        async with under_load(config, log, rate=RATE) as enough:
            await asyncio.sleep(seconds / 2)
            enough()
        async with under_load(config, log, rate=10 * RATE) as enough:
            await asyncio.sleep(seconds)
            enough()
        ended = time.monotonic()
        while await worker.counted("lag_records"):  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.1)
        drained = time.monotonic() - ended
        watching.cancel()
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=20)
    _, kept = await snapshots(config)
    generations = {each.key.epoch for of_partition in kept.values() for each in of_partition}
    same("generations of the group", 1, len(generations))
    if most > CAP:
        raise Failed(f"RSS reached {most / 2**20:.0f} MiB")
    return (
        f"{found.monitor.events} events, {10 * RATE}/s for {seconds} s: drained {drained:.1f} s"
        f" after it; RSS at most {most / 2**20:.0f} MiB; {len(found.wanted.alerts)} alerts ≡G"
    )
