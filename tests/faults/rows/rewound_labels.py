"""A broker is restored from a copy while labels are joined and models learn."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from faults.cluster_tools import keep_data, restore_data
from faults.ending import FINISH_SECONDS, all_done, finish
from faults.label_counts import ONLINE, labels_on_topic, same_labels, with_label
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send
from faults.verdicts import regained, same
from worker.running import WorkerProcess, read_alerts

from streamproc.config.load import load

ORDER = 10.2
FAULT = (
    "the broker restored from a copy of its data while labels are joined and online models learn;"
    " new records at the same offsets, of inputs and of outcomes"
)
PASSES = (
    "a `state_gap` reports it; each label that the topic holds now is joined once by the outcomes"
    " that it holds now, and learned once"
)
MODELS, TRIES = 4, 3


async def run(site: Site) -> str:
    """Copy the data, go on, restore the copy, and send other records."""
    models = [{"id": "*", "task": "regression", "online": ONLINE}]
    content = site.content(topics={"partitions": 2}, models=models)
    config = load(content)
    log = _labelled(site.draw.randrange(2**32))
    count = 2 * MODELS * site.size(300, 3000)
    await send(config, islice(log, count))
    await finish(site, content)
    copy = site.folder / "copy"
    await keep_data(site.kafka, copy)
    async with WorkerProcess(site.folder, content) as worker:
        await send(config, islice(log, count))
        await worker.has_counted("outcomes_total", above=count // 2 - 1)
        await all_done(worker)
        await restore_data(site.kafka, copy)
        # More than before: where the worker was, there are records again.
        await send(config, islice(log, 2 * count))
        await all_done(worker)
        same("exit code", 0, await worker.stop())
    await _finish(site, content)
    gaps = [alert for alert in await read_alerts(config) if alert.detector == "state_gap"]
    if not gaps:
        raise Failed("no state_gap was reported")
    held = await regained(config, least=0)
    lines = list(held.outcomes.differences())
    if lines:
        raise Failed("; ".join(lines))
    labels = await labels_on_topic(config)
    await same_labels(config, labels)
    return f"{labels.total()} labels, each joined and learned once; {len(gaps)} gaps reported"


async def _finish(site: Site, content: dict[str, Any]) -> None:
    """Run the last worker; start it again, as a supervisor would, if a producer's id was taken.

    A broker that is restored gives new producers ids that it has given before: those of workers
    that ran meanwhile.
    """
    for _ in range(TRIES):
        async with WorkerProcess(site.folder, content, "--exit-when-idle", "1") as worker:
            if await worker.exit_code(FINISH_SECONDS) == 0:
                return
            if "OutOfOrderSequenceNumber" not in worker.stderr:
                raise Failed(f"the last worker ended: {worker.stderr[-500:]}")
    raise Failed(f"the last worker ended {TRIES} times")


def _labelled(seed: int) -> Iterator[Sent]:
    for event in events(seed, MODELS, 10**9):
        yield from with_label(event)
