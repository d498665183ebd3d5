"""Snapshots are broken in every region, of another version, too large, or gone."""

import itertools
import time
from collections.abc import Callable

import msgspec
from aiokafka.admin import NewTopic
from faults.matrix import Failed, Site
from faults.verdicts import equal, same, snapshots
from worker.running import total
from worker.snapshots.snapshots_running import config_of, fill, live
from worker.snapshots.test_snapshots_kafka import (
    test_a_source_that_was_cut_is_told,
    test_no_snapshot_that_can_be_used_is_told,
)

from streamproc.config.config import Config
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.kafka.errors import SnapshotWriteError
from streamproc.state.snapshot_format import DIGEST_BYTES, SCHEMA, digest_of
from streamproc.worker.snapshots.records import MANIFEST, records

ORDER = 12
FAULT = (
    "snapshot truncated, a bit flipped in each region, of another version, too large for the"
    " broker, or the topic emptied"
)
PASSES = (
    "refused by checksum; the one before, ≡G; or a clear `state_gap`; never half loaded; no hang"
)


Change = Callable[[bytes], bytes]


def _bit(place: Callable[[int], int]) -> Change:
    def change(data: bytes) -> bytes:
        at = place(len(data))
        return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]

    return change


def _foreign(data: bytes) -> bytes:
    """Make a whole snapshot, checksum and all, of a later version's form."""
    later = data[:4] + b"\0\x63" + data[6:-DIGEST_BYTES]
    return later + digest_of([later], SCHEMA)


CHUNK: dict[str, Change] = {
    "prefix": _bit(lambda _: 1),
    "header": _bit(lambda _: 60),
    "arrays": _bit(lambda size: size // 2),
    "digest": _bit(lambda size: size - 1),
    "truncated": lambda data: data[:-100],
    "version": _foreign,
    "manifest": lambda data: data,
}


async def _spoil(config: Config, name: str) -> None:
    """Put something else in the place of the newest snapshot."""
    collected, _ = await snapshots(config)
    [of_partition] = [each for place, each in collected.items() if place[0].endswith("predictions")]
    newest = of_partition.found()[0]
    data = CHUNK[name](of_partition.assemble(newest))
    if name == "version":  # what says how a snapshot ends has to fit, or that is what is seen
        spoilt = dict(records(newest.key, [data], newest.manifest.next))
    else:
        chunks = {
            key: value
            for key, value in sorted(of_partition._values.items())
            if key._replace(part=MANIFEST) == newest.key and key.part != MANIFEST
        }
        stops = itertools.accumulate(map(len, chunks.values()), initial=0)
        spoilt = {
            key: data[start:stop]
            for key, (start, stop) in zip(chunks, itertools.pairwise(stops), strict=True)
        }
        manifest = msgspec.json.encode(newest.manifest)
        spoilt[newest.key] = manifest[: -9 if name == "manifest" else None]
    async with open_producer(config) as producer:
        for key, value in spoilt.items():
            topic = config.topics.full_name("snapshots")
            await producer.send_and_wait(topic, value, key.pack(), partition=0)


async def run(site: Site) -> str:
    """Break the newest snapshot again and again, each time in another way."""
    config = config_of(site.kafka.bootstrap)
    step = 2000 // (len(CHUNK) + 1)
    await fill(config, last=step)
    await live(config)
    for number, name in enumerate(CHUNK, 1):
        await _spoil(config, name)
        await fill(config, first=number * step, last=(number + 1) * step)
        worker, metrics = await live(config)
        if worker.failure is not None:
            raise Failed(f"{name}: {worker.failure}")
        same(f"{name}: gaps", 0, total(metrics, "state_gaps_total"))
        same(f"{name}: from a snapshot", 1, total(metrics, "recoveries_total", outcome="snapshot"))
    found = await equal(config)
    await test_no_snapshot_that_can_be_used_is_told(lambda _: None, site.kafka)
    await test_a_source_that_was_cut_is_told(site.kafka)
    seconds = await _too_large(site)
    return (
        f"{', '.join(CHUNK)}: the one before counted, {len(found.wanted.alerts)} alerts ≡G;"
        f" emptied and cut: `state_gap`; too large: ended with a reason after {seconds:.1f} s"
    )


async def _too_large(site: Site) -> float:
    config = config_of(site.kafka.bootstrap)
    name = config.topics.full_name("snapshots")
    async with open_admin(config) as admin:
        small = {"cleanup.policy": "compact", "max.message.bytes": "200"}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=small)])
    await fill(config, last=100)
    began = time.monotonic()
    worker, _ = await live(config)
    if not isinstance(worker.failure, SnapshotWriteError):
        raise Failed(f"too large: {worker.failure!r}")
    return time.monotonic() - began
