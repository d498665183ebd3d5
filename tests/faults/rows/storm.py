"""Workers join and leave again and again."""

import asyncio
from contextlib import AsyncExitStack

from faults.matrix import Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import idle, until, worker_of

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.worker.worker import Worker

ORDER = 4
FAULT = "rebalance storm: workers join and leave, 1 to 4 at a time"
PASSES = "≡G, state too; in the end each partition has one owner"
MODELS, MOST = 8, 4


async def run(site: Site) -> str:
    """Let workers come and go under load."""
    config = load(site.content())
    changes = site.size(12, 50)
    owners = config.topics.partitions * len(Topic)  # one of each partition of what is watched
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    workers: list[tuple[Worker, AsyncExitStack]] = []
    everything = AsyncExitStack()  # closes what a failure leaves open: nothing else would end then

    async def join() -> None:
        stack = await everything.enter_async_context(AsyncExitStack())
        worker, _ = await stack.enter_async_context(worker_of(config))
        workers.append((worker, stack))

    async with everything:
        async with under_load(config, log, rate=400) as enough:
            await join()
            for _ in range(changes):
                leaves = len(workers) > 1 and (len(workers) == MOST or site.draw.random() < 0.5)
                if leaves:
                    _, stack = workers.pop(site.draw.randrange(len(workers)))
                    await stack.aclose()
                else:
                    await join()
                await asyncio.sleep(site.draw.random())
            enough()
        await until(lambda: sum(len(worker._line._held) for worker, _ in workers) == owners)
        for worker, _ in workers:
            await idle(worker)
        owned = [partition for worker, _ in workers for partition in worker._line._held]
        same("partitions with an owner", owners, len(set(owned)))
        same("owners", owners, len(owned))
        left = len(workers)
        for _, stack in workers:
            await stack.aclose()
    found = await equal(config, least=20)
    again = found.found.repeated
    return f"{changes} changes, {left} left; {len(found.wanted.alerts)} alerts ≡G, {again} again"
