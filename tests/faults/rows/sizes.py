"""Topics take smaller records than the worker makes."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from broker_topics import records
from faults.ending import all_done
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import same
from worker.running import WorkerProcess, read_alerts

from streamproc.cli.replay_run import Comparison, compare
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_admin
from streamproc.kafka.topics import ensure_topics

ORDER = 15.6
FAULT = (
    "an alert, outcome, answer, update larger than its topic takes: `max.message.bytes` lowered"
    " while a worker runs, and raised again"
)
PASSES = (
    "each alert is there, short in place of one that is too large; what is lost is counted, and"
    " nothing else is; the worker goes on"
)
MODELS = 4
LIMITS: dict[TopicKind, int] = {
    "alerts": 2000, "outcomes": 2000, "online_predictions": 250, "model_updates": 300,
}  # fmt: skip
ONLINE = {
    "model": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
    "interval": "1m",
}
LOST = ("answers", "updates")


async def run(site: Site) -> str:
    """Send small events, then large ones under low limits, then small ones without limits."""
    content = site.content(
        topics={"partitions": 1}, models=[{"id": "*", "task": "binary", "online": ONLINE}]
    )
    config, size = load(content), site.size(1400, 14_000)
    await ensure_topics(config)
    log = iter(events(site.draw.randrange(2**32), MODELS, 10**9))
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        total = 0
        for large in (False, True, False):
            if large:
                await _limit(config, LIMITS)
            else:
                await _limit(config, {})
            total += size
            await send(config, _records(islice(log, size), large=large))
            await all_done(worker)
            if large:
                for what in LOST:
                    await worker.has_counted(f'learn_lost_total{{what="{what}"}}')
            same("health", (200, "ok\n"), await worker.get("/healthz"))
        learned = await worker.counted("learn_updates_total")
        lost = int(await worker.counted("outcomes_lost_total"))
        short = int(await worker.counted("alerts_lost_total"))
        same("exit code", 0, await worker.stop())
    if not lost or not short or not learned:
        raise Failed(f"{lost} outcomes and {short} alerts are lost; {learned} updates")
    values = [each.value or b"" for each in await records(config, "outcomes")]
    written = sum(b'"status":' in value for value in values)
    same("outcomes and those lost", 2 * total, written + lost)  # asked and labelled, of each event
    alerts = await _alerts(config, short)
    return (
        f"{alerts} alerts there, {short} of them short; {lost} of {2 * total} outcomes lost and"
        f" counted; {learned:.0f} updates"
    )


def _records(log: Iterator[dict[str, Any]], *, large: bool) -> Iterator[Sent]:
    """Give each event and its label; large ones have a version that no limit takes."""
    for event in log:
        version = {"model_version": "v" * 4000} if large else {}
        yield sent(event | version)
        names = {name: event[name] for name in ("model_id", "event_id", "ts")}
        yield sent(names | {"label": event["features"]["age"] > 0.5})._replace(stream="labels")


async def _limit(config: Config, limits: dict[TopicKind, int]) -> None:
    """Set how large the batches of some topics may be; the others take what brokers do."""
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            config.topics.full_name(kind),
            configs={"max.message.bytes": str(limits[kind])} if kind in limits else {},
        )
        for kind in LIMITS
    ]
    async with open_admin(config) as admin:
        await admin.alter_configs(resources)


async def _alerts(config: Config, short: int) -> int:
    """Hold the alerts against G: all are there, and those that were short differ."""
    found: Comparison = await compare(config)
    same("records that wait", 0, found.waiting)
    wanted, there = found.wanted.alerts, found.found.alerts
    same("alerts", wanted.keys(), there.keys())
    differ = {each for each in wanted if wanted[each] != there[each]}
    read = {each.alert_id: each for each in await read_alerts(config)}
    same("short alerts", short, len(differ))
    same(
        "long versions in them",
        0,
        sum(len(read[each].model_version or "") > 100 for each in differ),
    )
    return len(wanted)
