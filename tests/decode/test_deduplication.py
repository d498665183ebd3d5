import random
from typing import Any

import pytest
from record_logs import NOW, noise, record, run, shard, state

from streamproc.decode.deduplication import Deduplicator
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode


def identified(count: int) -> list[dict[str, Any]]:
    """Return events with a change in the middle, each with an id."""
    events = noise(count, seed=5, shift_at=count // 2, a=9.0)
    return [event | {"event_id": str(index)} for index, event in enumerate(events)]


def test_an_event_delivered_again_changes_nothing() -> None:
    """Alerts and state are those of the events once, and the copies are counted."""
    events = identified(900)
    draw = random.Random(1)
    once = [record(index, event) for index, event in enumerate(events)]
    thrice = [copy for each in once for copy in [each] * draw.randrange(1, 4)]

    plain, copied = shard(), shard()
    wanted, found = run(plain, once), run(copied, thrice)

    assert wanted.alerts
    assert found.alerts == wanted.alerts
    assert state(copied) == state(plain)
    assert copied.recent.seen(once[-1].value or b"")


def test_the_copies_are_counted() -> None:
    """The number of duplicates is counted."""
    [event] = identified(1)
    outcome = shard().process([record(at, event) for at in range(5)], NOW)
    assert (outcome.events, outcome.repeated) == (1, 4)


@pytest.mark.parametrize("change", [{"prediction": 0.1}, {"ts": 1.7e9 + 1}, {"event_id": None}])
def test_only_the_same_bytes_are_the_same_event(change: dict[str, Any]) -> None:
    """An event that shares an id with another one and differs from it is watched."""
    [event] = identified(1)
    outcome = shard().process([record(0, event), record(1, event | change)], NOW)
    assert (outcome.events, outcome.repeated) == (2, 0)


def test_an_event_without_an_id_is_never_a_copy() -> None:
    """Equal measurements without an id are as many measurements."""
    [event] = noise(1, seed=1)
    outcome = shard().process([record(at, event) for at in range(5)], NOW)
    assert (outcome.events, outcome.repeated) == (5, 0)


@pytest.mark.parametrize("cuts", [range(1, 600), (299, 300, 301), ()])
def test_any_split_knows_the_same_events(cuts: Any) -> None:
    """Which events are known again does not depend on how the log is cut."""
    events = identified(200)
    log = [record(at, events[at % 200]) for at in range(600)]
    config = {"limits": {"recent_events": 64}}
    unsplit, split = shard(config), shard(config)
    assert run(unsplit, log).events == run(split, log, cuts).events
    assert state(unsplit) == state(split)


def test_a_restored_shard_knows_them_still() -> None:
    """What came before a snapshot is known after it."""
    log = [record(at, event) for at, event in enumerate(identified(50))]
    target = shard()
    run(target, log)
    data = encode(target, "predictions", 0, 50)
    restored = restore(decode(data), Topic.PREDICTIONS, "predictions", 0, target.catalogue.config)
    outcome = restored.shard.process(log, NOW)
    assert (outcome.events, outcome.repeated) == (0, 50)


def test_memory_is_bounded() -> None:
    """However many come, at least as many as wanted are known, and at most twice as many."""
    recent = Deduplicator(100)
    bodies = [b"%d" % number for number in range(1000)]
    assert not any(map(recent.seen, bodies))
    assert all(map(recent.seen, bodies[-100:]))
    assert sum(len(known) for known in recent.state().values()) <= 200


def test_none_are_known_when_none_are_wanted() -> None:
    """With 0 every event is watched."""
    outcome = shard({"limits": {"recent_events": 0}})
    [event] = identified(1)
    assert outcome.process([record(at, event) for at in range(3)], NOW).events == 3
