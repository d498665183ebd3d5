"""The clock of the worker's process is wrong: fast, slow, or jumping."""

import asyncio
import os
import struct
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from faults.ending import all_done
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.running import MAIN, WorkerProcess, read_alerts

from streamproc.config.load import load

ORDER = 8.1
FAULT = (
    "the clock of the worker's process a day fast, an hour slow, jumping to and fro (libfaketime)"
)
PASSES = "≡G, state too; every label joined; the worker neither ends nor is restarted"
MODELS = 4
DAY = 86_400
JUMPS = (-DAY, DAY, -3600, 30 * DAY, 0)
HOUR = timedelta(hours=1)
SOURCE = Path(__file__).parents[1] / "moved_clock.c"


class ClockedProcess(WorkerProcess):
    """A worker whose wall clock follows a file; its monotonic clock is right."""

    def __init__(self, folder: Path, content: dict[str, Any], offset: int) -> None:
        super().__init__(folder, content)
        self._library, self._clock = folder / "moved_clock.so", folder / "clock"
        self._clock.write_bytes(bytes(8))
        self.move(offset)

    def move(self, offset: int) -> None:
        """Move the clock by seconds from the right time, at once."""
        with self._clock.open("r+b") as file:  # the worker has it mapped
            file.write(struct.pack("q", offset))

    async def __aenter__(self) -> Self:
        command = ("cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(SOURCE))
        compiler = await asyncio.create_subprocess_exec(*command)
        if await compiler.wait():
            raise Failed(f"{' '.join(command)} failed: a C compiler is needed")
        clock = {"LD_PRELOAD": str(self._library), "MOVED_CLOCK": str(self._clock)}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MAIN, "worker", "--config", str(self._file)),
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | clock,
        )
        self._reading = asyncio.create_task(self._read())
        return self


async def run(site: Site) -> str:
    """Let one worker after the other work by a wrong clock."""
    figures = []
    for name, jumps in (("a day fast", (DAY,)), ("an hour slow", (-3600,)), ("jumping", JUMPS)):
        count = await _by(site, jumps)
        figures.append(f"{name}: {count} alerts ≡G")
    return "; ".join(figures)


async def _by(site: Site, jumps: Sequence[int]) -> int:
    """Let a worker with this clock handle everything; return how many alerts it published."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    drawn = list(events(site.draw.randrange(2**32), MODELS, site.size(1200, 12_000)))
    log, labels = list(map(sent, drawn)), [_label(event) for event in drawn[::20]]
    size = len(log) // len(jumps) + 1
    async with ClockedProcess(site.folder, content, jumps[0]) as worker:
        await worker.port()
        count = 0
        for number, jump in enumerate(jumps):
            worker.move(jump)
            count += await send(config, log[number * size : (number + 1) * size])
            await worker.has_counted("records_total", above=count - 1)
        await send(config, labels)
        await worker.is_counted('outcomes_total{status="labelled"}', len(labels))
        await all_done(worker)
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=10)
    moved = {
        round((each.detected_at - datetime.now(UTC)) / HOUR) for each in await read_alerts(config)
    }
    if not moved - {0} or not moved <= {jump // 3600 for jump in jumps}:
        raise Failed(f"the alerts were detected {sorted(moved)} hours from now")
    return len(found.wanted.alerts)


def _label(event: dict[str, Any]) -> Sent:
    names = {name: event[name] for name in ("model_id", "event_id", "ts")}
    return sent(names | {"label": 1.0})._replace(stream="labels")
