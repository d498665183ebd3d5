"""Workers are stopped under load."""

import signal
import time

from broker_topics import records
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 2
FAULT = "SIGTERM under load"
PASSES = "≡G; exit code 0 in less than 30 s; no alert twice"
MODELS = 8


async def run(site: Site) -> str:
    """Stop three workers one after another while events come, then let one finish."""
    content = site.content()
    config = load(content)
    slowest = 0.0
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 2500)]
    await send(config, log[: len(log) // 2])
    async with under_load(config, log[len(log) // 2 :], rate=1500):
        for _ in range(3):
            async with WorkerProcess(site.folder, content) as worker:
                await worker.has_counted("records_total", above=site.draw.randrange(3000))
                began = time.monotonic()
                worker.send(signal.SIGTERM)
                same("exit code", 0, await worker.exit_code(30))
                slowest = max(slowest, time.monotonic() - began)
    await finish(site, content)
    found = await equal(config, least=20)
    count = len(await records(config, "alerts"))
    if count != len(found.wanted.alerts):
        raise Failed(f"{count - len(found.wanted.alerts)} alerts are on the topic twice")
    return f"3 stops, the slowest {slowest:.1f} s; {count} alerts ≡G, each once"
