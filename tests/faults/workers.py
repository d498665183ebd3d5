"""Workers that are killed again and again, each group of them on topics of its own."""

import asyncio
import json
import random
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import Any, Self

from faults.ending import FINISH_SECONDS, finish
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.traffic import load as under_load
from faults.verdicts import covered_repeats, equal
from worker.running import WorkerProcess

from streamproc.config.load import load

STEPS = ("before_publish", "after_publish", "in_snapshot", "after_snapshot", "before_ack")
MODELS = 8
BACKLOG = 16_000  # events that wait for the first worker
RATE = 300  # events a second from then on: each worker comes by its step, however many were killed


class MortalProcess(WorkerProcess):
    """A worker that kills itself at a step."""

    program = Path(__file__).with_name("crash_at_step.py")

    def __init__(self, folder: Path, content: dict[str, Any], **plan: Any) -> None:
        super().__init__(folder, content)
        self._plan = plan

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(self.program), str(self._file), json.dumps(self._plan)),
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())
        return self


async def lane(site: Site, kills: list[str], seed: int, *, hasty: str = "") -> tuple[int, int]:
    """Kill the workers of one group one after another; return alerts, and those repeated.

    Parameters
    ----------
    site
        Where.
    kills
        Each the step at which a worker ends, or `moment`: whenever that is.
    seed
        Chooses the events, and which time at a step.
    hasty
        In what the workers are hasty, so that the lane has to fail: they acknowledge first, or
        save first.
    """
    content = site.content(topics={"partitions": 2})
    config, draw = load(content), random.Random(seed)
    log = (sent(event) for event in events(seed, MODELS, 10**9))
    await send(config, islice(log, BACKLOG))
    async with under_load(config, log, RATE) as enough:
        for kill in kills:
            await _killed(site, content, kill, draw, hasty=hasty)
        enough()
    await finish(site, content)
    found = await equal(config, least=20)
    again, covered = await covered_repeats(config)
    if covered:
        raise Failed(f"{covered} alerts came again although a snapshot had covered them")
    return len(found.wanted.alerts), again


async def _killed(
    site: Site, content: dict[str, Any], kill: str, draw: random.Random, *, hasty: str
) -> None:
    step = None if kill == "moment" else kill
    plan = {"step": step, "times": draw.randrange(1, 4), "hasty": hasty}
    async with MortalProcess(site.folder, content, **plan) as worker:
        if step is None:
            await worker.has_counted("records_total")
            await asyncio.sleep(draw.random() * 0.3)
            worker.send(signal.SIGKILL)
        code = await worker.exit_code(FINISH_SECONDS)
        if code != -signal.SIGKILL:
            raise Failed(f"a worker ended with {code} before it was killed: {worker.stderr[-500:]}")


async def lanes(site: Site, count: int, kills: int) -> tuple[int, int]:
    """Run lanes side by side; return alerts, and those repeated."""
    plans = [[site.draw.choice(("moment", *STEPS)) for _ in range(kills)] for _ in range(count)]
    for kill, plan in zip((*STEPS, "moment"), plans, strict=False):  # each is among them
        plan[0] = kill
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(lane(site, plan, site.draw.randrange(2**32))) for plan in plans
        ]
    results = [task.result() for task in running]
    return sum(alerts for alerts, _ in results), sum(again for _, again in results)
