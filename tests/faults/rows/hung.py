"""Learners and a worker that hang, and what is left of them when their supervisor is killed."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
from faults.matrix import Failed, Site
from faults.verdicts import same
from worker.online.online_workers import MODEL, fill, outcomes
from worker.procfs import alive, children, learners
from worker.running import LOOK_SECONDS, PATIENCE, WorkerProcess, until

from streamproc.config.load import load

ORDER = 21
FAULT = "a learner, then a worker, that hangs (SIGSTOP), under a supervisor that is then killed"
PASSES = (
    "its lag is shown; its worker is not ready, ends with the reason and is started again; the"
    " worker is killed and started again; nothing outlives the supervisor"
)


async def run(site: Site) -> str:
    """Stop learners that have work, and a worker."""
    content = site.content(topics={"partitions": 1})
    return await scenario(content, site.folder, of_worker=True)


async def scenario(content: dict[str, Any], folder: Path, *, of_worker: bool = False) -> str:
    """Stop the learner of a worker, then that of its successor and kill the supervisor.

    `of_worker`: between them, a worker is stopped, too, which takes half a minute to be noticed.
    """
    content = content | {
        "limits": {"stall": "20s"},
        "models": [{"id": "m", "task": "binary", "online": {"model": MODEL}}],
    }
    config = load(content)
    rows = list(outcomes(400))
    await fill(config, rows[:100])
    async with WorkerProcess(folder, content, "--processes", "2") as supervisor:
        await _all_learn(supervisor, 2)
        stopped = await _stop_learners(supervisor.pid, 2)
        [why, *_] = await supervisor.logged(r"the process of the online models has not answered.*")
        await supervisor.logged("restarting it", times=2)
        await _all_learn(supervisor, 4)
        if left := [pid for pid in stopped if alive(pid)]:
            raise Failed(f"learners that were stopped are still there: {left}")
        if of_worker:
            why = f"{why.strip()}”, “{await _stop_worker(supervisor)}"
        stopped = await _stop_learners(supervisor.pid, 2)
        supervisor.send(signal.SIGKILL)
        same("exit code", -signal.SIGKILL, await supervisor.exit_code())
        await until(lambda: not any(map(alive, stopped)))
    return f"“{why.strip()}”, started again; no orphan"


async def _all_learn(supervisor: WorkerProcess, times: int, last: int = 2) -> None:
    """Wait until `times` workers have started, and the learners of the last answered once."""
    ports = await supervisor.logged(r"metrics on http://127\.0\.0\.1:(\d+)", times=times)
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        for port in ports[-last:]:
            text = ""
            while "streamproc_learn_records_total" not in text:
                await asyncio.sleep(LOOK_SECONDS)
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    text = await answer.text()


async def _stop_worker(supervisor: WorkerProcess) -> str:
    """Stop a worker, wait for another one in its place, and return what was logged."""
    stopped = children(supervisor.pid)[0]
    os.kill(stopped, signal.SIGSTOP)
    [why] = await supervisor.logged(r"no sign of life for \d+ s")
    await supervisor.logged("restarting it", times=3)
    await _all_learn(supervisor, 5, last=1)
    if alive(stopped):
        raise Failed(f"the worker {stopped} that was stopped is still there")
    return why


async def _stop_learners(supervisor: int, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found = [pid for worker in children(supervisor) for pid in learners(worker)]
            await asyncio.sleep(0.05)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    return found
