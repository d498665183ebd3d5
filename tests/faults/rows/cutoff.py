"""A worker is cut off from its broker, which goes on without it."""

import asyncio
import signal

from faults.ending import finish
from faults.matrix import Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 10
FAULT = "a worker cut off from the broker (2 min; 10 s in the short form)"
PASSES = "≡G, state too, after it heals"
MODELS = 8


async def run(site: Site) -> str:
    """Cut one worker's way to the broker while another one has its own."""
    content = site.content()
    config = load(content)
    seconds = site.size(10, 120)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    async with (
        site.detour.open() as detour,
        under_load(config, log, rate=400) as enough,
        WorkerProcess(site.folder, content | {"broker": f"kafka://{detour.address}"}) as one,
        WorkerProcess(site.folder, content) as other,
    ):
        await one.has_counted("records_total", above=200)
        await other.has_counted("records_total", above=200)
        await asyncio.sleep(site.draw.random())
        detour.cut()
        await asyncio.sleep(seconds)
        same("health of who was cut off", (200, "ok\n"), await one.get("/healthz"))
        detour.mend()
        before = await one.counted("records_total")
        await one.has_counted("records_total", above=before)  # it has partitions again
        enough()
        for worker in (one, other):
            worker.send(signal.SIGTERM)
        codes = [await worker.exit_code(30) for worker in (one, other)]
    same("exit codes", [0, 0], codes)
    await finish(site, content)
    found = await equal(config, least=20)
    again = found.found.repeated
    return f"{seconds} s; {len(found.wanted.alerts)} alerts ≡G, {again} again"
