"""What is compiled, where, and when."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worker.running import PATIENCE

from streamproc.worker.warmup import CompileError, jit_cache, warm_up

CODE = """
import asyncio, gc
from numba.core.dispatcher import Dispatcher
import streamproc.online.partition_models
from streamproc.config.load import load
from streamproc.monitor import LogRecord, Monitor
from streamproc.worker.warmup import warm_up, warm_up_learning
from worker.online.online_workers import outcomes
import msgspec

def loops():
    found = (each for each in gc.get_objects() if isinstance(each, Dispatcher))
    return {(f"{each.__module__}.{each.__qualname__}", args) for each in found
            for args in each.overloads}

config = load({
    "models": [{"id": "m", "task": "binary", "rules": [
        {"name": "order", "on": "feature:n", "monotone": "increasing"},
        {"name": "range", "on": "feature:w", "range": {"max": 5}, "most": 0.1},
    ], "segments": {"tags": ["region"]}, "watch": [
        {"on": "feature:k", "detectors": ["kswin"]},
        {"on": "feature:w", "detectors": ["ewma"], "whiten": True},
        {"on": "features", "detectors": ["mixture"]},
        {"on": "error", "detectors": ["ddm", "ecdd"]},
        {"on": "*", "detectors": ["adwin", "mixture", "g_test"]},
    ], "online": {"model": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"]}}]
})
asyncio.run(warm_up(config))
asyncio.run(warm_up_learning())
before = loops()
monitor = Monitor(config)
for model in ("m", "other"):
    monitor.process(
        event
        for row in range(3000)
        for event in (
            {"model_id": model, "event_id": str(row), "ts": row, "prediction": 0.5, "features":
             {"n": row / 7 * (1 + row // 2000), "k": row % 5, "w": row % 7, "t": str(row % 40),
              "e": [row / 3] * 70, "b": row % 2 == 0, "gone": None}},
            {"model_id": model, "event_id": str(row), "ts": row, "label": row % 2},
        )
    )
    plain = [
        {"model_id": model, "ts": row, "tags": {"region": "ab"[row % 2]},
         "features": {"n": row / 7, "k": row % 5, "w": 1e-3}
         if row % 2 else {f"x{row % 300}": row / 7}}
        for row in range(3000)
    ]
    monitor.process_records("features", 3, [
        LogRecord(row, msgspec.json.encode(event), row, b"m") for row, event in enumerate(plain)
    ])
streamproc.online.partition_models.PartitionModels(config, "outcomes", 0).process(
    [LogRecord(offset, msgspec.json.encode(event)) for offset, event in enumerate(outcomes(500))],
    __import__("datetime").datetime(2026, 1, 1),
)
print(len(before) > 10, sorted(name for name, _ in loops() - before))
"""
MEMORY = """
import asyncio
from pathlib import Path
from streamproc.worker.warmup import warm_up
print(asyncio.run(warm_up()), int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
"""


def _said(code: str, **environment: str) -> str:
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
    ).stdout


def test_after_the_warm_up_nothing_is_compiled() -> None:
    """Whatever a configuration watches and learns runs in loops that were compiled before."""
    assert _said(CODE) == "True []\n"


@pytest.mark.slow
def test_a_first_start_takes_no_more_memory_than_the_next(tmp_path: Path) -> None:
    """The compiler's memory is gone when a worker begins to work."""
    filled = os.environ.get("NUMBA_CACHE_DIR")
    if filled is not None:  # a family of detectors is missing: enough for the compiler to be loaded
        missing = shutil.ignore_patterns("streamproc.detectors.mean.*", "*.tmp")
        shutil.copytree(filled, tmp_path, ignore=missing, dirs_exist_ok=True)
    first, second = (_said(MEMORY, NUMBA_CACHE_DIR=str(tmp_path)).split() for _ in range(2))
    assert (first[0], second[0]) == ("True", "False")
    assert int(first[1]) < int(second[1]) + 15 * 2**20  # 30 MB more if it compiles itself


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no loop be on the disk."""

    def watch(_: object) -> None:
        raise jit_cache._CacheMissError

    monkeypatch.setattr(jit_cache, "watch", watch)


@pytest.mark.usefixtures("nothing_there")
async def test_a_compiler_that_dies_is_an_error_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker ends with the exit code and the command that compiles elsewhere."""
    monkeypatch.setattr(jit_cache, "_MODULE", "streamproc.no_such_module")
    with pytest.raises(CompileError, match=r"exited with code 1, .* stderr; .*streamproc compile"):
        await warm_up()


@pytest.mark.usefixtures("nothing_there")
async def test_who_is_told_to_stop_does_not_wait_for_the_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process that compiles ends with the start that it is for."""
    started = asyncio.Event()
    processes = []
    start = asyncio.create_subprocess_exec

    async def noted(*_: str, **settings: Any) -> asyncio.subprocess.Process:
        processes.append(
            await start(sys.executable, "-c", "import signal; signal.pause()", **settings)
        )
        started.set()
        return processes[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    starting = asyncio.create_task(warm_up())
    async with asyncio.timeout(PATIENCE):
        await started.wait()
        starting.cancel()
        await asyncio.wait({starting})
    assert starting.cancelled()
    assert processes[0].returncode == -signal.SIGKILL
