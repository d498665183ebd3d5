"""The features and the prediction of a model by the values of a tag: `segments`."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import NOW, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.monitor import Monitor
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import Restored, restore
from streamproc.pipeline.series_status import series_statuses
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent
from streamproc.state import snapshot_format

WITHOUT: dict[str, Any] = {"policy": {"resolve_after": 300}}
BY_REGION: dict[str, Any] = {
    "models": [{"id": "*", "segments": {"tags": ["region"]}}],
    "policy": {"resolve_after": 300},
}
REGIONS = ("us", "us", "us", "us", "us", "in", "in", "eu", "eu", "br")
CHANGE = 4000

Change = Callable[[dict[str, Any]], None]


def events_of(count: int, change: Change | None = None, seed: int = 3) -> list[dict[str, Any]]:
    """Make events of a model in four regions; from the 4000th on `change` is applied to each."""
    draw = random.Random(seed)
    events = []
    for at in range(count):
        event: dict[str, Any] = {
            "model_id": "m",
            "ts": 1.7e9 + at,
            "tags": {"region": draw.choice(REGIONS)},
            "features": {"km": draw.lognormvariate(3, 0.5), "age": draw.gauss(40, 9)},
            "prediction": draw.random(),
        }
        if change is not None and at >= CHANGE:
            change(event)
        events.append(event)
    return events


def log_of(events: Sequence[Any]) -> list[Any]:
    """Make a log of events."""
    return [record(at, event) for at, event in enumerate(events)]


def grow_in(*regions: str, by: float = 1.6) -> Change:
    """Return what multiplies a feature in some regions."""

    def change(event: dict[str, Any]) -> None:
        if not regions or event["tags"]["region"] in regions:
            event["features"]["km"] *= by

    return change


def alerts_of(log: Sequence[Any], config: Any = BY_REGION) -> list[AlertEvent]:
    """Return the alerts of a log."""
    return run(shard(config), log).alerts


IN_EUROPE = log_of(events_of(6000, grow_in("eu")))
EVERYWHERE = log_of(events_of(7000, grow_in(by=2)))


def test_a_change_in_one_segment_is_found_and_named() -> None:
    """A feature that grows by 60 % in one region alone is an alert of that region."""
    firing, *later = alerts_of(IN_EUROPE)

    assert (firing.status, firing.series) == ("firing", "feature:km")
    assert firing.segment == {"region": "eu"}
    assert firing.kind == "data"
    assert "feature 'km' of model 'm' in region=eu rose from" in firing.message
    assert CHANGE <= firing.source.offset < CHANGE + 1000
    assert {alert.incident_id for alert in later} <= {firing.incident_id}


def test_a_segment_that_is_as_before_again_resolves_its_incident() -> None:
    """The incident of a segment is over when the segment is back, and says so with its name."""
    back = [*events_of(5200, grow_in("eu", by=3)), *events_of(8000, seed=4)]

    last = alerts_of(log_of(back))[-1]

    assert (last.status, last.reason, last.segment) == ("resolved", "recovered", {"region": "eu"})
    assert "in region=eu is back" in last.message


def test_segments_join_the_incident_of_their_model() -> None:
    """Where all events of a model move, its segments add no further incident."""
    fired = [alert for alert in alerts_of(EVERYWHERE) if alert.status == "firing"]

    assert fired[0].segment is None
    assert {str(alert.segment) for alert in fired} == {
        "None",
        *(str({"region": region}) for region in ("us", "in", "eu", "br")),
    }
    assert len({alert.incident_id for alert in fired}) == 1
    assert "one incident with feature 'km'" in fired[1].message
    assert "feature 'km' in region=us" in fired[-1].message
    assert fired[-1].contributors is not None
    assert "feature:km in region=us" in {each.series for each in fired[-1].contributors}


def test_a_segment_that_changes_later_is_an_incident_of_its_own() -> None:
    """A second change, in one region, does not vanish in the incident of its model."""
    events = events_of(12000, grow_in(by=2))
    for event in events[8000:]:
        grow_in("eu", by=3)(event)

    fired = [alert for alert in alerts_of(log_of(events)) if alert.status == "firing"]
    second = next(alert for alert in fired if alert.source.offset >= 8000)

    assert second.segment == {"region": "eu"}
    assert second.incident_id != fired[0].incident_id


def test_what_does_not_change_in_any_segment_raises_no_alert() -> None:
    """Segments of independent values are quiet, and alerts about all events stay the same."""
    assert alerts_of(log_of(events_of(9000))) == []
    alone = alerts_of(EVERYWHERE, WITHOUT)
    assert alone
    ids = {alert.alert_id for alert in alerts_of(EVERYWHERE)}
    assert {alert.alert_id for alert in alone if alert.status == "firing"} <= ids


def test_a_prediction_by_class_is_watched_in_segments() -> None:
    """The probability of a class is a series of each segment, too."""
    events = events_of(6000)
    for at, event in enumerate(events):
        share = 0.2 * event["prediction"]
        if at >= CHANGE and event["tags"]["region"] == "in":
            share += 0.4
        event["prediction"] = {"yes": share, "no": 1 - share}

    fired = [alert for alert in alerts_of(log_of(events)) if alert.status == "firing"]

    assert {alert.series for alert in fired} == {"prediction:yes", "prediction:no"}
    assert {str(alert.segment) for alert in fired} == {"None", "{'region': 'in'}"}
    assert len({alert.incident_id for alert in fired}) == 1
    assert "prediction of class 'no' by model 'm' in region=in fell" in " ".join(
        alert.message for alert in fired
    )


def test_events_of_a_segment_are_found_however_they_are_written() -> None:
    """Texts beside the numbers, gaps and odd fields, which other decoders read, change nothing."""
    events = events_of(6000, grow_in("eu"))
    for at, event in enumerate(events):
        event["features"]["country"] = "XX" if at % 3 else None
        if at % 5 == 0:
            event["features"]["age"] = None
        if at % 7 == 0:
            event["features"]["km"] = str(event["features"]["km"])

    fired = [alert for alert in alerts_of(log_of(events)) if alert.segment]

    assert {(alert.series, str(alert.segment)) for alert in fired} == {
        ("feature:km", "{'region': 'eu'}")
    }
    assert fired[0].source.offset >= CHANGE


def test_odd_numbers_in_plain_events_cost_no_event_of_a_segment() -> None:
    """An event with NaN, which JSON does not have, counts in its segment as any other."""
    events = events_of(6000, grow_in("eu"))
    plain = [alert for alert in alerts_of(log_of(events)) if alert.segment]
    for event in events[2000:]:
        event["features"]["age"] = math.nan

    odd = [alert for alert in alerts_of(log_of(events)) if alert.segment]

    assert [(each.series, each.source.offset) for each in odd] == [
        (each.series, each.source.offset) for each in plain
    ]
    assert len(plain) >= 1


def test_a_wide_sparse_model_is_watched_in_segments() -> None:
    """Of hundreds of features of which each event has few, the one that changes is named."""
    draw = random.Random(8)
    events = events_of(6000, grow_in("eu"))
    for event in events:
        event["features"] |= {f"rare{draw.randrange(300)}": draw.random() for _ in range(3)}

    fired = [alert for alert in alerts_of(log_of(events)) if alert.segment]

    assert {(alert.series, str(alert.segment)) for alert in fired} == {
        ("feature:km", "{'region': 'eu'}")
    }
    assert fired[0].source.offset >= CHANGE


def test_only_the_largest_values_have_series() -> None:
    """A tag's values beyond the largest ones, and those of single events, are not watched."""
    config = {"models": [{"id": "*", "segments": {"tags": ["region", "user"], "largest": 2}}]}
    events = events_of(2000)
    for at, event in enumerate(events):
        event["tags"]["user"] = f"u{at}"
    target = shard(config)

    run(target, log_of(events))

    listed = [status for status in series_statuses(target, "predictions", 0) if status.segment]
    found = [status for status in listed if status.state != "unwatched"]
    assert {str(status.segment) for status in found} == {"{'region': 'us'}", "{'region': 'in'}"}
    assert {status.series for status in found} == {"feature:km", "feature:age", "prediction"}
    others = [status for status in listed if status.state == "unwatched"]
    assert {(status.series, str(status.segment)) for status in others} == {
        ("segments", "{'region': '*'}"),
        ("segments", "{'user': '*'}"),
    }
    assert others[1].values == 2000


def eventful() -> list[Any]:
    """Two models with changes, a feature that comes late and one that becomes a text."""
    draw = random.Random(9)
    events = events_of(4600)
    for at, event in enumerate(events):
        event["model_id"] = draw.choice("mn")
        if at > 1500 and event["tags"]["region"] == "us":
            event["features"]["age"] += 30
        if at > 800:
            event["features"]["late"] = draw.gauss(0, 1) + 4 * (at > 3000)
        if at > 2200 and event["model_id"] == "n":
            event["features"]["age"] = f"{draw.random()}x"
        if at % 9 == 0:
            del event["tags"]
        if at % 11 == 0:
            event["features"]["km"] = None
    return log_of(events)


LOG = eventful()
BRISK = BY_REGION | {"policy": {"update_interval": "1s", "resolve_after": 40}}
UNCUT = shard(BRISK)
UNSPLIT = run(UNCUT, LOG)
END = state(UNCUT)


def test_the_log_is_eventful() -> None:
    """The log of the next tests has alerts of segments that begin and settle."""
    statuses = {alert.status for alert in UNSPLIT.alerts if alert.segment}
    assert statuses >= {"firing", "settled"}
    assert {str(alert.segment) for alert in UNSPLIT.alerts} >= {"None", "{'region': 'us'}"}


@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=12))
def test_any_split_of_the_log_gives_the_same_alerts_and_state(cuts: set[int]) -> None:
    """However a log is cut into slices, its segments alarm at the same events."""
    target = shard(BRISK)
    assert run(target, LOG, cuts).alerts == UNSPLIT.alerts
    assert state(target) == END


def test_one_event_at_a_time_gives_the_same_alerts() -> None:
    """Slices of one event give the alerts of one slice of them all."""
    target = shard(BRISK)
    assert run(target, LOG, range(1, len(LOG))).alerts == UNSPLIT.alerts
    assert state(target) == END


def restored(target: PartitionMonitor, config: Any, data: bytes | None = None) -> Restored:
    """Restore a shard from its snapshot with a configuration."""
    written = encode(target, "predictions", 0, 1) if data is None else data
    return restore(
        decode(written), Topic.PREDICTIONS, "predictions", 0, shard(config).catalogue.config
    )


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, len(LOG) - 1))
def test_a_snapshot_at_any_event_continues_as_if_nothing_had_happened(cut: int) -> None:
    """A worker that restarts goes on with its segments, to the last bit."""
    first = shard(BRISK)
    before = run(first, LOG[:cut]).alerts

    after = restored(first, BRISK)

    assert after.reset == ()
    assert [*before, *run(after.shard, LOG[cut:]).alerts] == UNSPLIT.alerts
    assert state(after.shard) == END


def test_a_snapshot_of_an_earlier_version_is_read() -> None:
    """A snapshot without segments is read, and segments begin with the next event."""
    target = shard(WITHOUT)
    run(target, IN_EUROPE[:10])
    header, arrays = snapshot_format.unpack(encode(target, "predictions", 0, 10))
    del arrays["segments"]
    data = b"".join(snapshot_format.sections(header, arrays))

    after = restored(target, BY_REGION, data)

    fired = run(after.shard, IN_EUROPE[10:]).alerts
    assert [alert.segment for alert in fired][:1] == [{"region": "eu"}]


@pytest.mark.parametrize(
    "other", [None, {"tags": ["shop"]}, {"tags": ["region"], "largest": 2}], ids=str
)
def test_segments_that_are_no_longer_asked_for_end(other: Any) -> None:
    """With another configuration, series that it does not name are dropped with their slots."""
    target = shard(BY_REGION)
    run(target, IN_EUROPE)

    after = restored(target, BY_REGION | {"models": [{"id": "*", "segments": other}]})

    assert any("eu" in series for _, series in after.reset)
    assert all(not incident[1].startswith("segment") for incident in after.shard.incidents.open)
    assert run(after.shard, log_of(events_of(10))).alerts == []


def test_segments_of_a_forgotten_model_are_freed() -> None:
    """A model that is evicted leaves no series of its segments, and ends their incidents."""
    config = BY_REGION | {"limits": {"max_series": 4}}
    target = shard(config)
    run(target, IN_EUROPE)
    other = [
        record(at, {"model_id": "n", "features": {"a": 1.0, "b": 2.0}, "prediction": 0.5})
        for at in range(60_000, 260_000, 1000)
    ]

    ended = [alert for alert in target.process(other, NOW).alerts if alert.segment]

    assert "m" not in target.catalogue.models
    assert target.catalogue.segments.state(["m"])["segments"].tobytes() == b"{}"
    assert [alert.reason for alert in ended] == ["superseded"]
    used = {group: group.used - len(group.spare) for group in target.catalogue.profiles.values()}
    assert sum(used.values()) <= 6


def test_a_feature_that_becomes_a_text_ends_its_series_in_segments() -> None:
    """Slots and incidents of a feature's segments end with its numbers."""
    target = shard(BY_REGION)
    run(target, IN_EUROPE)
    before = {key[1] for key in target.incidents.open}
    texts = events_of(100)
    for event in texts:
        event["features"]["km"] = "far"

    run(target, [record(6000 + at, event) for at, event in enumerate(texts)])

    assert any(series.endswith(':km"]') for series in before)
    assert not any(series.endswith(':km"]') for _, series in target.incidents.open)
    found = series_statuses(target, "predictions", 0)
    assert {status.series for status in found if status.segment} == {"feature:age", "prediction"}


def test_a_program_without_kafka_watches_segments() -> None:
    """`Monitor` finds what a worker finds."""
    found = Monitor(BY_REGION).process(events_of(6000, grow_in("eu")))

    assert [(alert.status, alert.segment) for alert in found][:1] == [("firing", {"region": "eu"})]
