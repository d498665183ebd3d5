"""Constant load with constant keys."""

import asyncio
import time

import numpy as np
from faults.ending import all_handled
from faults.matrix import Differs, Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 16
FAULT = "constant load for an hour with constant keys"
PASSES = "RSS slope ≤ 1 MiB an hour after the first ten minutes; lag bounded; ≡G"
NIGHTLY = "takes an hour: nightly form only"
MODELS, RATE, SECONDS = 20, 500, 3600
WARM = 1 / 6  # of the time


async def run(site: Site) -> str:
    """Look at memory and lag every few seconds."""
    lasting = site.seconds or SECONDS
    # What a partition knows of its last events is full before the first look: with 20,000 of them
    # it would fill for half an hour, at 25 events a second.
    limits = {"slice_records": 5000, "recent_events": 2000}
    content = site.content(limits=limits, snapshots={"interval": "10s"})
    config = load(content)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
    seen: list[tuple[float, int]] = []
    worst = 0.0
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        async with under_load(config, log, rate=RATE) as enough:
            began = time.monotonic()
            while (now := time.monotonic() - began) < lasting:
                await asyncio.sleep(min(10, lasting / 60))
                worst = max(worst, await worker.counted("lag_records"))
                if now > WARM * lasting:
                    seen.append((now / 3600, resident(worker.pid)))
            enough()
        await all_handled(config)
        same("exit code", 0, await worker.stop())
    hours, sizes = np.array(seen).T
    slope = float(np.polyfit(hours, sizes, 1)[0]) / 2**20
    found = await equal(config, least=20)
    figures = (
        f"{found.monitor.events} events; RSS {sizes[-1] / 2**20:.0f} MiB, slope {slope:+.2f} MiB/h;"
        f" lag at most {worst:.0f} records; {len(found.wanted.alerts)} alerts ≡G"
    )
    if worst > 10 * RATE:
        raise Failed(figures)
    if lasting < SECONDS:
        raise Differs(f"{lasting} s tell no slope an hour; {figures}")
    if slope > 1:
        raise Failed(figures)
    return figures
