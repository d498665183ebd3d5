"""New versions of models are seen among their events."""

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard

from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.pipeline.version_watch import VERSIONS, VersionWatch
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.version_key import MAX_VERSIONS
from streamproc.state.snapshot_format import SnapshotError

START = 1_767_607_200


def log_of(*versions: str | None, models: str = "m", shift: float = 0.0) -> list[LogRecord]:
    """Return the log of models whose events have these versions; the last half may be shifted."""
    draw, records = random.Random(5), list[LogRecord]()
    for at, version in enumerate(versions):
        level = shift if at >= len(versions) // 2 else 0.0
        for model in models:
            event: dict[str, Any] = {
                "model_id": model,
                "event_id": f"{at}",
                "ts": START + at,
                "features": {"x": draw.gauss(level, 1)},
                "prediction": 0.5,
            }
            if version is not None:
                event["model_version"] = version
            records.append(record(len(records), event))
    return records


def seen_in(log: list[LogRecord], cuts: Any = (), config: Any = None) -> list[VersionSighting]:
    """Return the new versions that a worker sees in a log."""
    return run(shard(config), log, cuts).versions


def test_a_new_version_is_seen_with_the_one_before() -> None:
    """Within 64 events it is known from when on, and after which event at the latest."""
    [found] = seen_in(log_of(*"7" * 100, *"8" * 100))
    assert (found.model_id, found.model_version, found.previous) == ("m", "8", "7")
    assert (found.after.timestamp(), found.ts.timestamp()) == (START + 63, START + 127)
    assert (found.source.topic, found.source.offset) == ("predictions", 127)


def test_the_first_version_of_a_model_is_no_deployment() -> None:
    """A model that appears, and events without a version, are nothing to report."""
    assert seen_in(log_of(*"7" * 150)) == []
    assert seen_in(log_of(*[None] * 150)) == []
    [found] = seen_in(log_of(*[None] * 100, *"7" * 100))
    assert found.previous is None


def test_versions_that_answer_at_the_same_time_are_seen_once() -> None:
    """A version that gets a share of the traffic is one deployment, and not one at each event."""
    draw = random.Random(2)
    found = seen_in(log_of(*"7" * 100, *(draw.choice("78") for _ in range(2000))))
    assert [each.model_version for each in found] == ["8"]


def test_an_alert_shows_the_version_of_its_event() -> None:
    """A version is known before the first alert that its events give."""
    log = log_of(*"7" * 1000, *"8" * 1000, shift=50.0)
    result = run(shard(), log)
    [found], first = result.versions, result.alerts[0]
    assert first.model_version == "8"
    assert found.ts <= first.ts
    assert found.source.offset <= first.source.offset


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 1999), max_size=30), st.integers(0, 1999))
def test_any_split_sees_the_same_versions(cuts: list[int], resume: int) -> None:
    """How many events a poll returns changes nothing, and neither does a restart in between."""
    draw = random.Random(9)
    versions = [*"7" * 300, *(draw.choice(("7", "8", "9", None)) for _ in range(700))]
    log = log_of(*versions, models="ab", shift=9.0)
    wanted = shard()
    expected = run(wanted, log).versions
    first = shard()
    found = run(first, log[:resume], [cut for cut in cuts if cut < resume]).versions
    snapshot = decode(encode(first, "predictions", 0, resume))
    again = restore(snapshot, Topic.PREDICTIONS, "predictions", 0, first.catalogue.config).shard
    found += run(again, log[resume:], [cut - resume for cut in cuts if cut > resume]).versions
    assert found == expected
    assert again.versions.models == wanted.versions.models
    assert {each.model_version for each in found} == {"8", "9"}


def test_a_snapshot_without_versions_is_read() -> None:
    """After an upgrade the first version that is looked at is the one that was there."""
    old = shard()
    run(old, log_of(*"7" * 100))
    snapshot = decode(encode(old, "predictions", 0, 100))
    del snapshot.arrays[VERSIONS]
    again = restore(snapshot, Topic.PREDICTIONS, "predictions", 0, old.catalogue.config).shard
    log = log_of(*"8" * 400)
    assert run(again, log[100:]).versions == []


@pytest.mark.parametrize("damaged", [b"{", b'{"m": {"versions": [], "last": 0}}'])
def test_damaged_versions_are_refused(damaged: bytes) -> None:
    """A snapshot that cannot be continued says which array is wrong."""
    with pytest.raises(SnapshotError, match="array 'versions'"):
        VersionWatch("predictions", 0).load({VERSIONS: np.frombuffer(damaged, np.uint8)})


def test_what_is_remembered_is_bounded() -> None:
    """A producer that sends another version with each event costs no more than eight of them."""
    target = shard()
    run(target, log_of(*(f"{at}" * 300 for at in range(1500))))
    [seen] = json.loads(target.versions.state()[VERSIONS].tobytes()).values()
    assert len(seen["versions"]) == MAX_VERSIONS
    assert all(len(each) <= 200 for each in seen["versions"])


def test_a_model_that_is_not_watched_any_more_is_forgotten() -> None:
    """Models that are evicted leave nothing behind."""
    config = {"limits": {"max_series": 12}}
    log = log_of(*"7" * 80)
    for number in range(8):
        log += [
            record(
                len(log) + at,
                {"model_id": f"n{number}", "ts": START + 90_000 * (number + 1), "prediction": 0.1,
                 "features": {"x": float(at), "y": 1.0}},
            )
            for at in range(60)
        ]  # fmt: skip
    target = shard(config)
    run(target, log, range(0, len(log), 20))
    assert target.catalogue.forgotten > 0
    assert set(target.versions.models) <= set(target.catalogue.models)
