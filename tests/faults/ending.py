"""How rows end: a last worker finishes what is left."""

import asyncio
import re
from typing import Any

from faults.matrix import Failed, Site
from worker.running import LOOK_SECONDS, PATIENCE, WorkerProcess, ends

from streamproc.config.config import Config
from streamproc.kafka.log_reader import handled

FINISH_SECONDS = 300.0  # only a hang takes so long


async def all_handled(config: Config) -> None:
    """Wait until a group has committed all that there is."""
    topic = config.topics.full_name("predictions")
    log = {(topic, number): end for number, end in (await ends(config, "predictions")).items()}
    wanted = {partition: end for partition, end in log.items() if end}
    async with asyncio.timeout(FINISH_SECONDS):
        while not wanted.items() <= (await handled(config, {topic})).items():  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(LOOK_SECONDS)


async def all_done(worker: WorkerProcess) -> None:
    """Wait until everything is watched, joined and learned."""
    async with asyncio.timeout(PATIENCE):
        quiet = 0
        while quiet < 3:  # a log may just be about to be read
            _, text = await worker.get("/metrics")
            lags = re.findall(r"^streamproc_(?:\w+_)?lag_records{.*} (\S+)$", text, re.MULTILINE)
            quiet = quiet + 1 if len(lags) >= 2 and not any(map(float, lags)) else 0
            await asyncio.sleep(0.2)


async def finish(site: Site, said: dict[str, Any]) -> None:
    """Run a worker until nothing is left to do."""
    async with WorkerProcess(site.folder, said, "--exit-when-idle", "1") as worker:
        code = await worker.exit_code(FINISH_SECONDS)
        if code != 0:
            raise Failed(f"the last worker ended with {code}: {worker.stderr[-500:]}")
