"""Three brokers elect a leader that lacks the end of the log, while a worker runs."""

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import islice

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError
from apache.kafka import ApacheKafka
from faults.ending import all_handled, finish
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import regained, same
from worker.running import LOOK_SECONDS, WorkerProcess, ends, read_alerts

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin

ORDER = 10.5
FAULT = (
    "unclean leader election on three brokers while a worker runs: the new leader lacks the last"
    " records, and writes others at their offsets"
)
PASSES = (
    "the new records are read without a restart; a `state_gap` reports it for each partition; of"
    " what the topic holds now every alert is there and the state is that of G"
)
MODELS, PARTITIONS = 8, 2
ISOLATED, BEHIND = 1, 2  # the third broker keeps the majority of the controllers
ELECTION_SECONDS = 120.0


async def run(site: Site) -> str:
    """Lose a follower, then the leader, and let the follower lead."""
    with contextlib.ExitStack() as stack:
        cluster = ApacheKafka(nodes=3, data_dir=site.folder / "three")
        return await _elect(site, await asyncio.to_thread(stack.enter_context, cluster))


async def _elect(site: Site, kafka: ApacheKafka) -> str:
    content = site.content(topics={"partitions": PARTITIONS}, snapshots={"interval": "1h"})
    content["broker"] = f"kafka://{kafka.bootstrap}"
    config = load(content)
    await _create_on_two(config)
    log: Iterator[Sent] = map(sent, events(site.draw.randrange(2**32), MODELS, 10**9))
    count = MODELS * site.size(500, 5000)
    await send(config, islice(log, count))
    async with WorkerProcess(site.folder, content) as worker:
        await worker.has_counted("records_total", above=count - 1)
        await asyncio.to_thread(kafka.kill, BEHIND)
        await _led_by(config, ISOLATED, in_sync={ISOLATED})
        await send(config, islice(log, count))
        await worker.has_counted("records_total", above=2 * count - 1)
        before = await ends(config, "predictions")
        await asyncio.to_thread(kafka.kill, ISOLATED)
        await asyncio.to_thread(kafka.start, BEHIND)
        await _led_by(config, BEHIND, in_sync={BEHIND})
        lost = sum(before.values()) - sum((await ends(config, "predictions")).values())
        same("records that the new leader lacks", count, lost)
        # More than before: where the worker was, there are records again.
        await send(config, islice(log, 2 * count))
        await all_handled(config)
        await asyncio.to_thread(kafka.start, ISOLATED)
        same("exit code", 0, await worker.stop())
    await finish(site, content)
    gaps = [alert for alert in await read_alerts(config) if alert.detector == "state_gap"]
    found = {alert.source.partition for alert in gaps}
    if found != set(range(PARTITIONS)):
        raise Failed(f"gaps were reported of partitions {sorted(found)} only")
    held = await regained(config, least=10)
    return (
        f"{lost} records lost by the election; {len(held.wanted.alerts)} alerts ≡G,"
        f" {len(gaps)} gaps reported"
    )


async def _create_on_two(config: Config) -> None:
    """Create `predictions` on two of the three brokers, as a topic that prefers to be available."""
    topic = NewTopic(
        config.topics.full_name("predictions"),
        num_partitions=-1,
        replication_factor=-1,
        replica_assignments={number: [ISOLATED, BEHIND] for number in range(PARTITIONS)},
        topic_configs={"min.insync.replicas": "1", "unclean.leader.election.enable": "true"},
    )
    async with open_admin(config) as admin:
        response = await admin.create_topics([topic])
        same("error of the creation", 0, response.topic_errors[0][1])


async def _led_by(config: Config, node: int, in_sync: set[int]) -> None:
    """Wait until one node leads all partitions of `predictions`, with these replicas in sync."""
    name = config.topics.full_name("predictions")
    async with asyncio.timeout(ELECTION_SECONDS):
        while True:
            # While a broker is away, the client may choose it for the request.
            with contextlib.suppress(KafkaError):
                async with open_admin(config) as admin:
                    [topic] = await admin.describe_topics([name])
                states = [(each["leader"], set(each["isr"])) for each in topic["partitions"]]
                if len(states) == PARTITIONS and all(each == (node, in_sync) for each in states):
                    return
            await asyncio.sleep(LOOK_SECONDS)
