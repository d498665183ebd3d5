"""Comparing what a run left behind with G: one process, no faults, the same recorded topics."""

from collections import Counter
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord
from broker_topics import records
from faults.matrix import Failed
from record_logs import state

from streamproc.alerting.operational_alerts import OPERATIONAL
from streamproc.cli.replay_run import Comparison, compare
from streamproc.config.config import Config
from streamproc.kafka.log_reader import BoundedLogReader
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.snapshots.records import MANIFEST, Key, SnapshotSet, key_of

Partition = tuple[str, int]


class Kept(NamedTuple):
    """A whole snapshot on the topic: when its manifest was written, and up to which offset."""

    timestamp: int
    key: Key
    next: int


async def equal(config: Config, *, states: bool = True, least: int = 1) -> Comparison:
    """Hold a run against G; return what was compared.

    Parameters
    ----------
    config
        Of the run; its workers have ended and handled everything.
    states
        Whether the final snapshots have to hold G's state, too; workers must have stopped.
    least
        Alerts that the run must have had, so that something was compared.
    """
    found = await compare(config)
    if found.waiting:
        raise Failed(f"{found.waiting} records were never handled")
    if found.differences:
        raise Failed("; ".join(found.differences))
    if len(found.wanted.alerts) < least:
        raise Failed(f"{len(found.wanted.alerts)} alerts are too few to show anything")
    if states:
        await _same_states(config, found)
    return found


async def regained(config: Config, *, least: int = 1) -> Comparison:
    """Hold what follows from the topics as they are now against a run; return what was compared.

    Alerts about records that are no longer there may be there, too. Workers must have stopped.
    """
    found = await compare(config)
    if found.waiting:
        raise Failed(f"{found.waiting} records were never handled")
    missing = found.wanted.alerts.keys() - found.found.alerts.keys()
    if missing:
        raise Failed(f"{len(missing)} of {len(found.wanted.alerts)} alerts are missing")
    if len(found.wanted.alerts) < least:
        raise Failed(f"{len(found.wanted.alerts)} alerts are too few to show anything")
    await _same_states(config, found)
    return found


async def _same_states(config: Config, found: Comparison) -> None:
    collected, kept = await snapshots(config)
    for partition, end in found.ends.items():
        shard = found.monitor.shards.get(partition)
        if shard is None:
            continue
        newest = collected[partition].found()[0]
        if newest.manifest.next != end:
            raise Failed(
                f"the state of {partition} is of offset {newest.manifest.next}, not {end};"
                f" snapshots: {[(each.key.epoch, each.next) for each in kept[partition][-6:]]}"
            )
        snapshot = decode(collected[partition].assemble(newest))
        restored = restore(snapshot, shard.catalogue.topic, *partition, config)
        if state(restored.shard) != state(shard):
            raise Failed(f"the state of {partition} is not that of G")


async def snapshots(
    config: Config,
) -> tuple[dict[Partition, SnapshotSet], dict[Partition, list[Kept]]]:
    """Return the snapshots that count, and all that were ever whole, of each partition."""
    collected: dict[Partition, SnapshotSet] = {}
    kept: dict[Partition, list[Kept]] = {}
    # Brokers compact this topic: there are fewer records than offsets.
    async with BoundedLogReader(config, (config.topics.full_name("snapshots"),)) as recording:
        async for _, some in recording:
            for record in some:
                _collect(record, collected, kept, config.group)
    return collected, kept


def _collect(
    record: ConsumerRecord,
    collected: dict[Partition, SnapshotSet],
    kept: dict[Partition, list[Kept]],
    group: str,
) -> None:
    key = key_of(record.key)
    if key is None or key.group != group:  # of another program, or another group
        return
    place = key.topic, key.partition
    collected.setdefault(place, SnapshotSet()).add(key, record.value)
    if key.part == MANIFEST and record.value is not None:
        of_it = SnapshotSet()
        of_it.add(key, record.value)
        kept.setdefault(place, []).extend(
            Kept(record.timestamp, key, found.manifest.next) for found in of_it.found()
        )


async def covered_repeats(config: Config) -> tuple[int, int]:
    """Count the alerts that were said again, and those of them that a snapshot had covered."""
    _, kept = await snapshots(config)
    seen: Counter[str] = Counter()
    again = covered = 0
    for record in await records(config, "alerts"):
        alert = AlertEvent.from_json(record.value)
        if alert.detector in OPERATIONAL:  # of no snapshot
            continue
        seen[alert.alert_id] += 1
        if seen[alert.alert_id] == 1:
            continue
        again += 1
        source = alert.source
        covered += any(
            each.next > source.offset and each.timestamp < record.timestamp
            for each in kept.get((source.topic, source.partition), ())
        )
    return again, covered


def same(what: str, wanted: Any, found: Any) -> None:
    """Fail unless two values are equal."""
    if wanted != found:
        raise Failed(f"{what}: {found!r}, not {wanted!r}")
