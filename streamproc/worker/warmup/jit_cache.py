"""Load numba's compiled code from the JIT cache; a separate process compiles what is missing.

The compiler takes about 200 MB, which its process holds until it exits.
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
    """The process that compiles the detectors failed."""


class _CacheMissError(Exception):
    """Compiled code is missing from the cache."""


class _Refusal(event.Listener):
    """Raise when numba starts to compile."""

    def on_start(self, event: Any) -> None:  # noqa: ARG002  its name is fixed
        raise _CacheMissError

    def on_end(self, event: Any) -> None:
        """Nothing to do."""


async def warm_up(config: Config | None = None) -> bool:
    """Load the compiled code of a worker into memory, compiling it first if needed.

    Compiling later would block the worker for longer than its session timeout.

    Parameters
    ----------
    config
        Configures the detectors to load; None: the defaults.

    Returns
    -------
    bool
        Whether something had to be compiled.

    Raises
    ------
    CompileError
        If compiling failed, most likely for lack of memory.
    """
    config = config or Config()
    return await _ready("watch", lambda: watch(config), config)


async def warm_up_learning() -> bool:
    """Load the compiled code of linear online models; otherwise like `warm_up`."""
    return await _ready("learn", learn, Config())


async def _ready(name: str, workload: Callable[[], None], config: Config) -> bool:
    if await asyncio.to_thread(_compiled, workload):
        return False
    await _compile(name, config)
    await asyncio.to_thread(workload)
    return True


def _compiled(workload: Callable[[], None]) -> bool:
    """Run a workload; return False if compiled code is missing."""
    try:
        with event.install_listener(_COMPILES, _Refusal()):
            workload()
    except _CacheMissError:
        return False
    return True


async def _compile(workload: str, config: Config) -> None:
    _log.info("compiling, once per machine: this takes a minute or two")
    process = await asyncio.create_subprocess_exec(
        *command(_MODULE, workload), env=environment(), stdin=PIPE, stdout=DEVNULL
    )
    try:
        await process.communicate(config.model_dump_json().encode())
    except asyncio.CancelledError:  # a worker that stops need not wait for it
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
