"""Finish work that must not end half done before a cancellation takes effect."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(executor: Executor | None, work: Callable[..., Result], *given: Any) -> Result:
    """Run disk access in a thread; if cancelled, wait for its end before the store closes."""
    done = asyncio.get_running_loop().run_in_executor(executor, work, *given)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait({done})
        raise


async def finish_within(seconds: float, work: Coroutine[Any, Any, None]) -> None:
    """Run work; if cancelled, give it this many seconds to finish before it is cancelled, too."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
