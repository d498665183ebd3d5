"""The broker goes away under load and comes back."""

import asyncio
import signal
import time

from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 3
FAULT = "broker restarted, clean and killed"
PASSES = "≡G, state too; progress within 60 s of its return"
MODELS = 8

MIN_RECORDS = 9000  # records, of which so many alerts come that a lost one would show


async def run(site: Site) -> str:
    """Take the broker away twice, once in each way."""
    content = site.content()
    config = load(content)
    figures = []
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 100_000))
    async with (
        under_load(config, log, rate=600) as enough,
        WorkerProcess(site.folder, content) as worker,
    ):
        for how in ("stop", "kill"):
            await worker.has_counted("records_total", above=site.draw.randrange(2000))
            await asyncio.to_thread(getattr(site.kafka, how), 1)
            same("health", (200, "ok\n"), await worker.get("/healthz"))
            await asyncio.to_thread(site.kafka.start, 1)
            began = time.monotonic()
            before = await worker.counted("records_total")
            await worker.has_counted("records_total", above=before)
            figures.append(f"{how}: progress after {time.monotonic() - began:.1f} s")
        await worker.has_counted("records_total", above=MIN_RECORDS)
        enough()
        worker.send(signal.SIGTERM)
        same("exit code", 0, await worker.exit_code(30))
        if "Traceback" in worker.stderr:
            raise Failed(worker.stderr[worker.stderr.index("Traceback") :][:2000])
    await finish(site, content)
    found = await equal(config, least=20)
    return f"{'; '.join(figures)}; {len(found.wanted.alerts)} alerts ≡G"
