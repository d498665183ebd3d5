"""A worker stands still for longer than its session, and then goes on."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from faults.ending import finish
from faults.matrix import Failed, Site
from faults.pause_at_step import STEPS
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import Kept, equal, same, snapshots
from faults.workers import MortalProcess
from worker.running import PATIENCE, WorkerProcess, until

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.worker.snapshots.records import Key, key_of

ORDER = 5
FAULT = "SIGSTOP past the session time-out, then SIGCONT: a zombie that still writes its snapshot"
PASSES = "≡G, state too; each stop gives a stale snapshot, and none is ever chosen"
MODELS = 8


class SleepyProcess(MortalProcess):
    """A worker that stops itself within a snapshot."""

    program = Path(__file__).parents[1] / "pause_at_step.py"


async def run(site: Site) -> str:
    """Stop one of two workers until the other one writes in its place, then let it go on."""
    content = site.content(snapshots={"interval": "0s"})
    config = load(content)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    order, nap = site.folder / "order", site.folder / "nap"
    naps = site.size(2, 10)
    async with (
        under_load(config, log, rate=800) as enough,
        SleepyProcess(site.folder, content, order=str(order), nap=str(nap)) as one,
        WorkerProcess(site.folder, content) as other,
    ):
        await one.has_counted("records_total", above=200)
        await other.has_counted("records_total", above=200)
        for turn in range(naps):
            await asyncio.sleep(site.draw.random())
            order.write_text(STEPS[turn % len(STEPS)])
            await until(lambda: not order.exists())
            key = _asleep(nap)
            await other.holds(config.topics.partitions * len(Topic))
            await _written(config, key, "snapshot of its successor", _succeeded)
            await asyncio.sleep(2 * site.draw.random())
            one.send(signal.SIGCONT)
            await _written(config, key, "stale snapshot", _stale)
        enough()
        one.send(signal.SIGTERM)
        other.send(signal.SIGTERM)
        codes = [await worker.exit_code(30) for worker in (one, other)]
    same("exit codes", [0, 0], codes)
    await finish(site, content)
    found = await equal(config, least=20)
    return (
        f"{naps} stale snapshots, none chosen;"
        f" {len(found.wanted.alerts)} alerts ≡G, {found.found.repeated} again"
    )


def _asleep(nap: Path) -> Key:
    """Return the key of what the worker was about to write when it stopped itself."""
    key = key_of(nap.read_bytes())
    assert key is not None
    return key


async def _written(config: Config, key: Key, what: str, there: Callable[..., bool]) -> None:
    """Wait until a partition has such a snapshot; one of an owner past must never be chosen."""
    place = key.topic, key.partition
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0.2)  # nobody tells
                try:
                    collected, kept = await snapshots(config)
                except BrokerUnreachableError:  # a busy one, for a moment
                    continue
                chosen = collected[place].found()[0].key.epoch
                newest = max(each.key.epoch for each in kept[place])
                if chosen != newest:
                    raise Failed(f"a snapshot of epoch {chosen} is chosen, not of {newest}")
                if there(kept[place], key):
                    return
    except TimeoutError as error:
        raise Failed(f"there was no {what}") from error


def _succeeded(kept: list[Kept], key: Key) -> bool:
    return any(each.key.epoch > key.epoch for each in kept)


def _stale(kept: list[Kept], key: Key) -> bool:
    """Whether one was written when one of a later owner was there already."""
    since = [each.key.epoch > key.epoch for each in kept].index(True)
    return any(each.key._replace(part=key.part, slot=key.slot) == key for each in kept[since:])
