"""A client loses records that it has fetched, with its position past them."""

import asyncio
import sys
from pathlib import Path
from typing import Self

from faults.ending import finish
from faults.matrix import Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 5.2
FAULT = "every seventh poll that returns records loses them on its way to the agent"
PASSES = "≡G, state too; each loss is logged, and read again"
MODELS = 8
LOST = "were not delivered: reading them again"


class LosingProcess(WorkerProcess):
    """A worker that loses what it has fetched."""

    program = Path(__file__).parents[1] / "lose_polls.py"

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(self.program), str(self._file)), stderr=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())
        return self


async def run(site: Site) -> str:
    """Let a worker lose some polls under load, and a later one finish."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    async with (
        under_load(config, log, rate=800) as enough,
        LosingProcess(site.folder, content) as worker,
    ):
        await worker.logged(LOST, times=site.size(3, 30))
        await worker.has_counted("records_total", above=site.size(8000, 100_000))
        enough()
        same("exit code", 0, await worker.stop())
    losses = worker.stderr.count(LOST)
    await finish(site, content)
    found = await equal(config, least=20)
    return f"{losses} losses read again; {len(found.wanted.alerts)} alerts ≡G"
