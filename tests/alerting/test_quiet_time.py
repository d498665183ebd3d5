from typing import Any

import pytest
from record_logs import noise, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

SHIFT = 600


def story(pace: float, count: int = 1500) -> list[dict[str, Any]]:
    """Draw events, `pace` seconds apart, of which a feature moves once."""
    events = noise(count, seed=3, shift_at=SHIFT, a=8.0)
    return [event | {"ts": 1.7e9 + pace * at} for at, event in enumerate(events)]


def ended(pace: float, resolve_after: Any) -> tuple[AlertEvent, AlertEvent]:
    """Return the alert that fires, and the one that ends it."""
    config = {"policy": {"resolve_after": resolve_after}}
    events = [record(at, event) for at, event in enumerate(story(pace))]
    firing, end, *_ = run(shard(config), events).alerts
    return firing, end


@pytest.mark.parametrize(
    ("pace", "resolve_after", "values"),
    [
        (3600, "2d", 48),  # an hourly series: two days, and not 1,000 values
        (3600, "6h", 30),  # fewer say too little of a level
        (1, "5m", 300),
        (1, {"values": 400, "time": "5m"}, 400),
        (1, {"values": 40, "time": "5m"}, 300),
        (3600, 100, 100),
    ],
)
def test_an_incident_ends_after_its_quiet_time(
    pace: float, resolve_after: Any, values: int
) -> None:
    """Values, event time or both: an incident ends once all that is asked for has passed."""
    firing, end = ended(pace, resolve_after)
    assert end.incident_id == firing.incident_id
    assert end.source.offset - firing.source.offset == values


@pytest.mark.parametrize("resolve_after", ["2d", {"values": 35, "time": "2d"}])
def test_a_quiet_time_does_not_depend_on_slices(resolve_after: Any) -> None:
    """In any split, and after a restart, an incident ends at the same event."""
    config = {"policy": {"resolve_after": resolve_after, "update_interval": "1h"}}
    events = [record(at, event) for at, event in enumerate(story(3600))]
    unsplit, single = shard(config), shard(config)
    alerts = run(unsplit, events).alerts
    assert run(single, events, range(1, len(events))).alerts == alerts
    assert state(single) == state(unsplit)
    first = shard(config)
    early = run(first, events[: SHIFT + 20]).alerts
    written = decode(encode(first, "predictions", 0, SHIFT + 20))
    second = restore(written, Topic.PREDICTIONS, "predictions", 0, first.catalogue.config).shard
    assert early + run(second, events[SHIFT + 20 :]).alerts == alerts
