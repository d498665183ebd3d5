"""Webhooks are slow, fail, or hang, and their worker is killed."""

import asyncio
import re
import signal
from collections import Counter

from broker_topics import records
from faults.ending import all_handled, finish
from faults.matrix import Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from sinks.receiver import Receiver, certificate, receiving
from worker.procfs import peak
from worker.running import WorkerProcess

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.schemas.alerts import PUBLISHED_STATUSES, AlertEvent

ORDER = 10.5
FAULT = "slow, failing, hanging webhook, and a SIGKILL of their worker in between"
PASSES = (
    "alerts on Kafka ≡G, state too; RSS ≤ 400 MiB; what is dropped is counted and named; a healthy"
    " and a slow one beside them get each alert"
)
MODELS, RATE, CAP = 4, 300, 400 * 2**20
# Series that move again and again are soon taken for dependent, and alert as `pending`.
EVERY_STATUS = {"statuses": ["pending", *PUBLISHED_STATUSES]}
START_SECONDS = 300.0  # on the slowest machine


async def run(site: Site) -> str:
    """Send events while four webhooks do their worst, and kill the worker in the middle."""
    pair = certificate(site.folder, "IP:127.0.0.1")
    async with (
        receiving(pair, seconds=0.2) as slow,
        receiving(pair, 500) as failing,
        receiving(pair, None) as hanging,
        receiving(pair) as healthy,
    ):
        content = site.content(
            webhooks=[
                slow.section("slow", **EVERY_STATUS),
                failing.section("failing", give_up_after="3s", **EVERY_STATUS),
                hanging.section("hanging", timeout="2s", give_up_after="3s", **EVERY_STATUS),
                healthy.section("healthy", **EVERY_STATUS),
            ]
        )
        config = load(content)
        log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 10**9))
        async with (
            WorkerProcess(site.folder, content) as worker,
            under_load(config, log, rate=RATE) as enough,
        ):
            await _drops(worker)
            await asyncio.sleep(site.draw.random())
            worker.send(signal.SIGKILL)
            await worker.exit_code()
            enough()
        async with WorkerProcess(site.folder, content) as worker:
            async with under_load(config, log, rate=RATE) as enough:
                await _drops(worker)
                await asyncio.sleep(site.size(8, 120))
                enough()
            dropped, most = await _drained(worker, config, healthy, slow)
            same("exit code", 0, await worker.stop())
    await finish(site, content | {"webhooks": []})
    if most > CAP:
        raise Failed(f"RSS reached {most / 2**20:.0f} MiB")
    found = await equal(config, least=20)
    published = await _published(config)
    repeated = [_repeated(published, receiver) for receiver in (healthy, slow)]
    same("the webhooks that dropped alerts", {"failing", "hanging"}, set(dropped))
    drops = ", ".join(f"`{name}` {count}" for name, count in sorted(dropped.items()))
    return (
        f"{found.monitor.events} events, {len(found.wanted.alerts)} alerts ≡G, and all of them with"
        f" the healthy and the slow one ({repeated[0]} and {repeated[1]} twice); dropped after the"
        f" kill: {drops}; RSS at most {most / 2**20:.0f} MiB"
    )


async def _drops(worker: WorkerProcess) -> None:
    """Wait until a worker has given alerts up."""
    await worker.logged("metrics on http", within=START_SECONDS)
    await worker.has_counted("webhook_dropped_total", within=START_SECONDS)


async def _drained(
    worker: WorkerProcess, config: Config, *receivers: Receiver
) -> tuple[Counter[str], int]:
    """Wait until nothing is left to send; return what was dropped, and the most memory."""
    while await worker.counted("lag_records"):  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.5)
    await all_handled(config)
    published = await _published(config)
    while not all(published <= set(receiver.ids) for receiver in receivers):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    while await worker.counted("webhook_lag_records"):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    _, text = await worker.get("/metrics")
    content = re.findall(
        r'^streamproc_webhook_dropped_total{.*webhook="(\w+)"} (\S+)$', text, re.MULTILINE
    )
    dropped: Counter[str] = Counter()
    for name, count in content:
        dropped[name] += int(float(count))
    logged = Counter(re.findall(r"webhook (\w+): alert '\w+' dropped: gave_up", worker.stderr))
    same("the drops that the log names", +dropped, logged)
    return logged, peak(worker.pid)


async def _published(config: Config) -> set[str]:
    found = await records(config, "alerts")
    return {AlertEvent.from_json(record.value).alert_id for record in found}


def _repeated(published: set[str], receiver: Receiver) -> int:
    """Hold a receiver against the topic; return how many alerts it got again."""
    got = Counter(receiver.ids)
    same("alerts that a webhook did not get", set(), published - got.keys())
    same("alerts that nobody published", set(), got.keys() - published)
    return sum(count > 1 for count in got.values())
