"""The disk under `labels.store` is full for a while."""

import resource
from pathlib import Path
from typing import Any

from broker_topics import records
from faults.matrix import Failed, Site
from faults.verdicts import same
from label_logs import hard_logs
from worker.join.joining import fill, pairs_of
from worker.running import WorkerProcess, publish, read_alerts

from streamproc.alerting.operational_alerts import NOT_JOINED
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.schemas.outcomes import EPOCH_HEADER

ORDER = 20
FAULT = "disk full under `labels.store` (no file of the worker may grow), and free again"
PASSES = (
    "not ready and an alert of kind `system`, both with the reason and the folder; nothing is"
    " claimed or read again meanwhile; joined multiset equal afterwards, the alert resolved"
)
EVENTS = 600
NO_GROWTH = 1024  # bytes: every file of a store is larger


async def run(site: Site) -> str:
    """Fill the disk of a worker that joins."""
    return await scenario(site.content(topics={"partitions": 1}), site.folder)


async def scenario(content: dict[str, Any], folder: Path) -> str:
    """Let a worker's files grow no more while labels come; then let them grow again."""
    config = load(content)
    logs = hard_logs(EVENTS, seed=11)
    await fill(config, type(logs)(logs.events, []))
    async with WorkerProcess(folder, content) as worker:
        await publish(config, logs.labels[:50])
        await worker.has_counted("outcomes_total")
        await worker.becomes("/readyz", 200)
        _, most = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (NO_GROWTH, most))
        await publish(config, logs.labels[50:])
        why = await worker.becomes("/readyz", 503)
        if "labels of partition 0 are not joined" not in why or str(folder) not in why:
            raise Failed(f"not ready, but for {why!r}")
        epochs = await _epochs(config)
        await worker.logged(r"not joined: the store .*; retrying in 16 s")
        same("epochs begun on a full disk", epochs, await _epochs(config))
        if not await worker.counted("labels_lag_records"):
            raise Failed("labels wait, and the lag is 0")
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most, most))
        await worker.becomes("/readyz", 200)
        await worker.is_counted("labels_lag_records", 0)
        await worker.has_counted("operational_alerts_total", above=1)
        same("exit code", 0, await worker.stop())
    same("pairs", logs.pairs, await pairs_of(config))
    steps = [alert.status for alert in await read_alerts(config) if alert.detector == NOT_JOINED]
    same("alerts", ["firing", "resolved"], steps)
    return f"not ready, alert fired and resolved; {logs.pairs.total()} pairs, each once"


async def _epochs(config: Config) -> int:
    found = await records(config, "outcomes")
    return sum(EPOCH_HEADER in dict(record.headers) for record in found)
