"""Compiled code is kept on disk; what is not there yet is made by a process of its own.

The compiler takes some 200 MB, and the process in which it ran keeps them to its end.
"""

import asyncio
import logging
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from signal import SIGKILL
from typing import Any, Final

from numba.core import event

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.worker.subprocesses import command, environment
from streamproc.worker.warmup.workload import learn, watch

_COMPILES: Final = "numba:compile"
_MODULE: Final = "streamproc.worker.warmup.process"
_log = logging.getLogger(__name__)


class CompileError(StreamprocError):
    """The process that compiles the detectors ended without having done so."""


class _CacheMissError(Exception):
    """Something would have to be compiled."""


class _Refusal(event.Listener):
    """Lets nothing be compiled."""

    def on_start(self, event: Any) -> None:  # noqa: ARG002  its name is fixed
        raise _CacheMissError

    def on_end(self, event: Any) -> None:
        """Nothing to do."""


async def warm_up(config: Config | None = None) -> bool:
    """Have what a worker runs in memory: from the disk, or else compiled first.

    A worker that compiled in the middle of its work would be taken for dead by its group.

    Parameters
    ----------
    config
        Whose detectors to run; None: the defaults.

    Returns
    -------
    bool
        Whether something had to be compiled.

    Raises
    ------
    CompileError
        If that failed, most likely for lack of memory.
    """
    config = config or Config()
    return await _ready("watch", lambda: watch(config), config)


async def warm_up_learning() -> bool:
    """Have what linear online models run in memory; the rest is as with `warm_up`."""
    return await _ready("learn", learn, Config())


async def _ready(name: str, course: Callable[[], None], config: Config) -> bool:
    if await asyncio.to_thread(_compiled, course):
        return False
    await _compile(name, config)
    await asyncio.to_thread(course)
    return True


def _compiled(course: Callable[[], None]) -> bool:
    """Take a course; stop and say no where something would have to be compiled."""
    try:
        with event.install_listener(_COMPILES, _Refusal()):
            course()
    except _CacheMissError:
        return False
    return True


async def _compile(course: str, config: Config) -> None:
    _log.info("compiling, once per machine: this takes a minute or two")
    process = await asyncio.create_subprocess_exec(
        *command(_MODULE, course), env=environment(), stdin=PIPE, stdout=DEVNULL
    )
    try:
        await process.communicate(config.model_dump_json().encode())
    except asyncio.CancelledError:  # a worker that is told to stop need not wait for it
        process.kill()
        await process.wait()
        raise
    code = process.returncode
    if code:
        why = (
            "was killed: it needs 400 MB of memory, once; provide that"
            if code == -SIGKILL
            else f"exited with code {code}, see its error on stderr; start again"
        )
        raise CompileError(
            f"the process that compiles the detectors {why}, or run `streamproc compile` on another"
            " machine of this kind and copy its NUMBA_CACHE_DIR"
        )
