"""Records wait and nothing comes: the watchdog."""

from typing import Any

from faults.ending import all_handled, finish
from faults.matrix import Site
from faults.traffic import events, send, sent
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 17
FAULT = "lag without progress for longer than `limits.stall`, under a supervisor"
PASSES = "the worker ends with a reason, the supervisor starts it again, ≡G"
MODELS = 8


async def run(site: Site) -> str:
    """Cut the way to the broker in the middle of a log, until the watchdog ends the workers."""
    # Small fetches: what the client holds already is handled without its broker.
    limits = {"stall": "2s", "slice_records": 50, "slice_bytes": "20KiB"}
    more: dict[str, Any] = {"limits": limits, "snapshots": {"interval": "1h"}}
    content = site.content(**more)
    config = load(content)
    # Nothing changes in the first part: a worker that waits to publish is no worker that stalls.
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 4000, period=3500)]
    await send(config, log)
    async with site.detour.open() as detour:
        through = content | {"broker": f"kafka://{detour.address}"}
        async with WorkerProcess(site.folder, through, "--processes", "2") as supervisor:
            await supervisor.logged("watching kafka", times=2)
            await supervisor.has_counted("records_total", above=500)
            detour.cut()
            [why, *_] = await supervisor.logged(r"\d+ records wait, none came for [\d.]+ s")
            await supervisor.logged("restarting it")
            detour.mend()
            await supervisor.logged("watching kafka", times=3)
            await all_handled(config)
            same("exit code", 0, await supervisor.stop())
    await finish(site, content)  # one that took over may have been in the midst of repeating
    found = await equal(config, least=5)
    return f"“{why}”, started again; {len(found.wanted.alerts)} alerts ≡G"
