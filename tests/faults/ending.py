"""How rows end: a last worker finishes what is left."""

from typing import Any

from faults.matrix import Failed, Site
from worker.running import WorkerProcess

FINISH_SECONDS = 120.0


async def finish(site: Site, said: dict[str, Any]) -> None:
    """Run a worker until nothing is left to do."""
    async with WorkerProcess(site.folder, said, "--exit-when-idle", "1") as worker:
        code = await worker.exit_code(FINISH_SECONDS)
        if code != 0:
            raise Failed(f"the last worker ended with {code}: {worker.stderr[-500:]}")
