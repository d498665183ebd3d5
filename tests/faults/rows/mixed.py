"""Random faults together, on three brokers, held against counts that use no replay."""

import asyncio
import contextlib
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from apache.kafka import ApacheKafka
from detour import Detour
from faults.brokers import add_listeners
from faults.ending import all_done, finish
from faults.label_counts import ONLINE, same_labels, with_label
from faults.matrix import Failed, Site
from faults.rows.process_clocks import ClockedProcess
from faults.traffic import Sent, events
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.running import WorkerProcess, read_alerts

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent

ORDER = 20.5
FAULT = (
    "three brokers and two workers: kills, freezes and restarts of either, cut-offs of the workers"
    " from one broker or all, jumps of the workers' clocks and changes of their config, at random,"
    " together (30 min; 90 s in the short form)"
)
PASSES = (
    "≡G; and by counts without a replay: each label is joined once and learned once, the alerts of"
    " events are those of an undisturbed pass over what was sent"
)
MODELS, WORKERS, BROKERS = 4, 2, 3
RATE = 200.0  # records a second
SESSION = 6.0
# What depends on the offset of an event, or on the clock.
PLACED: Any = {
    **dict.fromkeys(("alert_id", "incident_id", "source", "detected_at"), True),
    "change_point": {"offset"},
}


class MortalProcess(ClockedProcess):
    """A worker that may have ended when a signal is sent to it."""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            super().send(number)


class Workers:
    """Workers of one group, each started again when it ends, with clocks that may be moved."""

    def __init__(self, site: Site, content: dict[str, Any], draw: random.Random) -> None:
        self._site, self._content, self._draw = site, content, draw
        self._running: dict[int, MortalProcess] = {}
        self.restarts = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Workers"]:
        """Keep them running while the block runs."""
        tasks = [asyncio.create_task(self._keep(number)) for number in range(WORKERS)]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def reload(self) -> None:
        """Change settings that the result does not depend on, and have a worker read them."""
        limits = {"slice_records": self._draw.choice((100, 200, 400))}
        self._content = self._content | {"limits": self._content["limits"] | limits}
        worker = self.any()
        if worker is not None:
            worker.send(signal.SIGHUP)

    def any(self) -> MortalProcess | None:
        """Return one that runs."""
        return self._draw.choice(list(self._running.values()) or [None])

    async def _keep(self, number: int) -> None:
        folder = self._site.folder / f"worker-{number}"
        folder.mkdir()
        while True:
            offset = self._draw.choice((-3600, 0, 0, 86_400))
            async with MortalProcess(folder, self._content, offset) as worker:
                self._running[number] = worker
                await worker.exit_code(10**6)
                del self._running[number]
                self.restarts += 1


async def run(site: Site) -> str:
    """Draw faults for as long as it lasts, then compare and count."""
    folder = site.folder / "three"
    cluster = ApacheKafka(nodes=BROKERS, data_dir=folder)
    detours = [Detour(*ports) for ports in add_listeners(folder, BROKERS)]
    async with AsyncExitStack() as stack:
        kafka = await asyncio.to_thread(stack.enter_context, cluster)
        for detour in detours:
            await stack.enter_async_context(detour.open())
        return await _mix(site, kafka, detours)


async def _mix(site: Site, kafka: ApacheKafka, detours: list[Detour]) -> str:
    models = [{"id": "*", "task": "regression", "online": ONLINE}]
    content = site.content(topics={"partitions": 2}, models=models)
    content["broker"] = f"kafka://{kafka.bootstrap}"
    config = load(content)
    addresses = ",".join(detour.address for detour in detours)
    behind = content | {"broker": f"kafka://{addresses}"}
    log, labels = list[dict[str, Any]](), list[tuple[str, str]]()
    drawn = Counter[str]()
    draw = random.Random(site.draw.randrange(2**32))
    async with AsyncExitStack() as stack:
        enough = await stack.enter_async_context(under_load(config, _sent(site, log, labels), RATE))
        workers = await stack.enter_async_context(Workers(site, behind, draw).open())
        faults = _faults(workers, kafka, detours, draw)
        await _disturb(site.size(90, 1800), faults, draw, drawn)
        enough()
    async with WorkerProcess(site.folder, content) as worker:
        await all_done(worker)
        same("exit code", 0, await worker.stop())
    await finish(site, content)
    found = await equal(config, states=False, least=10)
    alerts = await _same_alerts(config, log)
    await same_labels(config, Counter(labels))
    faults = ", ".join(f"{count} × {name}" for name, count in sorted(drawn.items()))
    return (
        f"{faults}; {workers.restarts} restarts of workers; {len(labels)} labels, each joined and"
        f" learned once; {alerts} alerts as without faults; {len(found.wanted.alerts)} alerts ≡G"
    )


def _sent(site: Site, log: list[dict[str, Any]], labels: list[tuple[str, str]]) -> Iterator[Sent]:
    """Give events, each followed by its label, and note both."""
    for event in events(site.draw.randrange(2**32), MODELS, 10**9):
        log.append(event)
        of_event, label = with_label(event)
        yield of_event
        labels.append((event["model_id"], event["event_id"]))  # the sending may end before it
        yield label


def _faults(
    workers: Workers, kafka: ApacheKafka, detours: list[Detour], draw: random.Random
) -> dict[str, Callable[[], Any]]:
    return {
        "broker killed": lambda: _kill_broker(kafka, draw),
        "broker frozen": lambda: _freeze_broker(kafka, draw),
        "one broker cut off": lambda: _cut_off([draw.choice(detours)], draw),
        "all brokers cut off": lambda: _cut_off(detours, draw),
        "worker killed": lambda: _signal(workers, signal.SIGKILL),
        "worker stopped": lambda: _signal(workers, signal.SIGTERM),
        "worker frozen": lambda: _freeze_worker(workers, draw),
        "clock moved": lambda: _move_clock(workers, draw),
        "config changed": lambda: _reload(workers),
    }


async def _disturb(
    seconds: float,
    faults: dict[str, Callable[[], Any]],
    draw: random.Random,
    drawn: Counter[str],
) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(draw.uniform(0.5, 4))
        # One broker at a time is away: of three, two have to confirm a record.
        name = draw.choice(list(faults))
        await faults[name]()
        drawn[name] += 1


async def _kill_broker(kafka: ApacheKafka, draw: random.Random) -> None:
    number = draw.randint(1, BROKERS)
    await asyncio.to_thread(kafka.kill, number)
    await asyncio.sleep(draw.uniform(0, 5))
    await asyncio.to_thread(kafka.start, number)


async def _freeze_broker(kafka: ApacheKafka, draw: random.Random) -> None:
    number = draw.randint(1, BROKERS)
    kafka.signal(number, signal.SIGSTOP)
    await asyncio.sleep(draw.uniform(1, SESSION))
    kafka.signal(number, signal.SIGCONT)


async def _cut_off(detours: list[Detour], draw: random.Random) -> None:
    """Keep the workers from brokers that go on without them."""
    for detour in detours:
        detour.cut()
    await asyncio.sleep(draw.uniform(1, 1.5 * SESSION))
    for detour in detours:
        detour.mend()


async def _signal(workers: Workers, number: signal.Signals) -> None:
    worker = workers.any()
    if worker is not None:
        worker.send(number)


async def _freeze_worker(workers: Workers, draw: random.Random) -> None:
    worker = workers.any()
    if worker is not None:
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(draw.uniform(1, 1.5 * SESSION))
        worker.send(signal.SIGCONT)


async def _reload(workers: Workers) -> None:
    workers.reload()


async def _move_clock(workers: Workers, draw: random.Random) -> None:
    worker = workers.any()
    if worker is not None:
        worker.move(draw.choice((-86_400, -3600, 0, 3600, 30 * 86_400)))


async def _same_alerts(config: Config, log: list[dict[str, Any]]) -> int:
    """Compare each model's alerts with those of a pass over its events as they were made."""
    topic, count = config.topics.full_name("predictions"), 0
    published = {alert.alert_id: alert for alert in await read_alerts(config)}
    of_events = [alert for alert in published.values() if alert.source.topic == topic]
    for model in {event["model_id"] for event in log}:
        of_model = [event for event in log if event["model_id"] == model]
        wanted = _contents(Monitor(config).process(of_model))
        found = _contents(alert for alert in of_events if alert.model_id == model)
        if wanted != found:
            raise Failed(f"{model}: missing {wanted - found}, not expected {found - wanted}")
        count += wanted.total()
    return count


def _contents(alerts: Any) -> Counter[str]:
    found: Iterator[AlertEvent] = iter(alerts)
    return Counter(json.dumps(each.model_dump(mode="json", exclude=PLACED)) for each in found)
