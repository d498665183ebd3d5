"""A model most of whose records cannot be read is reported, and so is its recovery."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

NOW = datetime(2026, 1, 5, tzinfo=UTC)
GOOD: Any = {"model_id": "m", "features": {"a": 1.0}}
BAD: Any = {"model_id": "m", "features": {"a": 1.0}, "event_id": ["7"]}


def records(bodies: Iterable[Any], key: bytes | None = b"m") -> list[LogRecord]:
    """Return a log of bodies, at one a second."""
    return [
        LogRecord(at, json.dumps(body).encode(), 1_700_000_000_000 + 1000 * at, key)
        for at, body in enumerate(bodies)
    ]


def monitor() -> PartitionMonitor:
    """Return the monitor of a partition of features."""
    return PartitionMonitor(Topic.FEATURES, "features", 3, Config())


def found(log: Sequence[LogRecord], target: PartitionMonitor | None = None) -> list[AlertEvent]:
    """Return the alerts about unreadable records."""
    alerts = (target or monitor()).process(log, NOW).alerts
    return [alert for alert in alerts if alert.detector == "unreadable"]


def test_a_model_that_cannot_be_read_is_reported_once() -> None:
    """The alert has the model, the reason, where it began, and the command that shows more."""
    [alert] = found(records([GOOD] * 50 + [BAD] * 200))
    assert (alert.model_id, alert.kind, alert.status) == ("m", "system", "firing")
    assert alert.source.offset == 59
    assert alert.message.startswith(
        "10 of 10 records of model 'm' on partition 3 of topic 'features' cannot be read, the last"
        " one because of wrong_type (Expected `str | null`, got `array`"
    )
    assert "`streamproc dead-letters --topic features`" in alert.message


def test_it_is_resolved_once_records_are_read_again() -> None:
    """A hundred readable records in a row end the incident; a later one is another."""
    alerts = found(records([BAD] * 20 + [GOOD] * 99 + [BAD] + [GOOD] * 100 + [BAD] * 10))
    assert [(a.status, a.source.offset) for a in alerts] == [
        ("firing", 9),
        ("resolved", 219),
        ("firing", 229),
    ]
    assert alerts[0].incident_id == alerts[1].incident_id != alerts[2].incident_id
    assert len({alert.alert_id for alert in alerts}) == 3


@pytest.mark.parametrize(
    "bodies",
    [[BAD, GOOD] * 300, [GOOD] * 90 + [BAD] * 9, [[BAD] + [GOOD] * 2] * 50],
    ids=["every other record", "nine records", "a third of each record"],
)
def test_the_minority_of_records_is_not_reported(bodies: list[Any]) -> None:
    """Single records that cannot be read are dead letters, and no alert."""
    assert not found(records(bodies))


def test_batches_count_by_the_half_of_their_events() -> None:
    """A record of several events is unreadable if half of them are."""
    [alert] = found(records([[BAD, GOOD]] * 10))
    assert alert.source.offset == 9


def test_records_without_a_key_are_reported_together() -> None:
    """What has no key belongs to no single model."""
    [alert] = found(records([BAD] * 10, key=None))
    assert alert.model_id == "*"
    assert "records without a key" in alert.message


@pytest.mark.parametrize("length", [256, 1020, 5000])
def test_a_key_that_is_too_long_for_a_model_is_counted_as_none(length: int) -> None:
    """The records are dead letters, one alert reports them, and the partition goes on."""
    body = {"model_id": "m" * length, "features": {"a": 1.0}}
    [alert] = found(records([body] * 200, key=b"m" * length))
    assert alert.model_id == "*"


def test_the_time_of_a_broken_record_does_not_stop_the_partition() -> None:
    """A record's timestamp may be any number."""
    log = [LogRecord(at, b"?", -(2**62), b"m") for at in range(10)]
    [alert] = found(log)
    assert alert.ts.timestamp() == 0.0


def test_a_cluttered_topic_is_counted_in_bounded_memory() -> None:
    """Producers that key by request cannot fill the memory, and are reported as others."""
    target = monitor()
    log = [LogRecord(at, b"?", 1_700_000_000_000, b"request %d" % at) for at in range(3000)]
    [alert] = found(log, target)
    assert alert.model_id == "*"
    assert len(target.unreadable.state()["unreadable"]) < 50_000


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([b"m", b"n", None])), max_size=300),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_any_split_and_a_restart_give_the_same_alerts(
    kinds: list[tuple[bool, bytes | None]], cuts: list[int]
) -> None:
    """Neither slices nor a restart from a snapshot change what is reported."""
    log = [
        LogRecord(at, json.dumps(BAD if bad else GOOD).encode(), 1_700_000_000_000, key)
        for at, (bad, key) in enumerate(kinds)
    ]
    target, parted = monitor(), []
    edges = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    for first, last in pairwise(edges):
        parted += found(log[first:last], target)
        snapshot = decode(encode(target, "features", 3, last))
        target = restore(snapshot, Topic.FEATURES, "features", 3, Config()).shard
    assert parted == found(log)
