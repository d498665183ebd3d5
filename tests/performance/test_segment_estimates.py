import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_streams import START, late_labels
from outcome_logs import records, told, truth_shard
from record_logs import NOW, run, state

from streamproc import Monitor
from streamproc.config.segments import Segments
from streamproc.decode.event_schema import Topic
from streamproc.performance.segment_estimates import SegmentEstimates, segment_values
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import ESTIMATED
from streamproc.schemas.version_key import MAX_VERSIONS

REGIONS, CHANGE, DELAY, COUNT = "abcde", 13_500, 1_200, 15_000
SEGMENTED = {"models": [{"id": "fraud", "segments": {"tags": ["region"]}}]}
EVENTS = late_labels(2, COUNT, change=CHANGE, delay=DELAY, regions=REGIONS)


def outcomes_of(config: Any) -> list[dict[str, Any]]:
    """Return what a join writes of the stream."""
    monitor = Monitor(config, clock=lambda: NOW)
    monitor.process(EVENTS)
    return [json.loads(outcome.to_json()) for outcome in monitor.outcomes]


LOG = outcomes_of(SEGMENTED)
RECORDS = records(LOG)
ALERTS = run(truth_shard(SEGMENTED), RECORDS).alerts
KEY = '["fraud","7"]'


def untagged(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outcomes as versions without segments of estimates wrote them."""
    return [{name: each[name] for name in each if name != "segments"} for each in log]


def test_harder_inputs_of_one_segment_are_found_there() -> None:
    """The first alert names the segment, before labels of the change arrive."""
    alert = ALERTS[0]
    assert (alert.series, alert.segment, alert.status) == (ESTIMATED, {"region": "a"}, "firing")
    assert (alert.kind, alert.severity) == ("performance", "warning")
    assert CHANGE <= alert.ts.timestamp() - START < CHANGE + DELAY
    assert alert.message.startswith("estimated error rate of model 'fraud' (version 7) in region=a")
    assert "predictions ago; an estimate before labels: the last ones of all events show" in (
        alert.message
    )


def test_segments_are_part_of_the_incident_of_their_version() -> None:
    """What labels show later about all events joins, and names the estimate of the segment."""
    events = late_labels(2, 17_000, change=CHANGE, delay=DELAY, regions=REGIONS)
    alerts = Monitor(SEGMENTED, clock=lambda: NOW).process(events)
    found = [alert for alert in alerts if alert.source.topic == "outcomes"]
    assert {alert.incident_id for alert in found} == {found[0].incident_id}
    assert "one incident with the estimated error in region=a" in found[1].message


def test_a_small_change_of_all_events_hides_none_of_a_segment() -> None:
    """The alert that names the segment follows at once, with the severity that it has there."""
    events = late_labels(2, COUNT, change=CHANGE, delay=DELAY, kind="numbers", regions=REGIONS)
    alerts = Monitor(SEGMENTED, clock=lambda: NOW).process(events)
    first, second = [alert for alert in alerts if alert.series == ESTIMATED][:2]
    assert (first.segment, first.status, first.severity) == (None, "firing", "info")
    assert (second.segment, second.status) == ({"region": "a"}, "updated")
    assert (second.severity, second.incident_id) == ("warning", first.incident_id)
    assert second.ts.timestamp() - first.ts.timestamp() < DELAY


def test_a_replay_of_outcomes_gives_the_alerts_of_the_join() -> None:
    """The tags that were written to `outcomes` are all that estimates of segments need."""
    alerts = Monitor(SEGMENTED, clock=lambda: NOW).process(EVENTS)
    live = [alert for alert in alerts if alert.source.topic == "outcomes"]
    assert [alert.alert_id for alert in live] == [alert.alert_id for alert in ALERTS]


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, len(RECORDS)), max_size=6))
def test_any_split_gives_the_same_alerts_and_state(cuts: list[int]) -> None:
    """Which values of a tag have a series does not depend on how the log is cut."""
    at_once, in_parts = truth_shard(SEGMENTED), truth_shard(SEGMENTED)
    run(at_once, RECORDS)
    assert run(in_parts, RECORDS, cuts).alerts == ALERTS
    assert state(in_parts) == state(at_once)
    assert encode(in_parts, "outcomes", 0, 1) == encode(at_once, "outcomes", 0, 1)


def resumed(config: Any, at: int) -> list[AlertEvent]:
    """Return the alerts of a log that is read on from a snapshot, maybe with another config."""
    before = truth_shard(SEGMENTED)
    found = run(before, RECORDS[:at]).alerts
    saved = encode(before, Topic.OUTCOMES.value, 0, at)
    settings = truth_shard(config).catalogue.config
    after = restore(decode(saved), Topic.OUTCOMES, "outcomes", 0, settings).shard
    return found + run(after, RECORDS[at:]).alerts


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(crash=st.integers(0, len(RECORDS)))
def test_a_snapshot_continues_the_estimates(crash: int) -> None:
    """Sums, counters and detectors of segments go on where they were."""
    assert resumed(SEGMENTED, crash) == ALERTS


def test_segments_may_be_removed_from_the_configuration() -> None:
    """A snapshot with series of segments is read, and no alert names a segment any more."""
    at = ALERTS[0].source.offset - 50
    assert resumed(SEGMENTED, at)[0].segment == {"region": "a"}
    assert [alert for alert in resumed({"models": [{"id": "fraud"}]}, at) if alert.segment] == []


def test_without_segments_outcomes_have_no_tags() -> None:
    """Windows are as they were, and tags that are on the log are not read."""
    plain = outcomes_of(None)
    assert [each for each in plain if "segments" in each] == []
    assert plain == untagged(LOG)
    assert told(LOG) == told(plain)


def test_windows_of_earlier_versions_are_read() -> None:
    """Without tags in the log only the estimate of all events is watched."""
    shard = truth_shard(SEGMENTED)
    alerts = run(shard, records(untagged(LOG))).alerts
    assert alerts == told(LOG)
    assert ESTIMATED in shard.catalogue.models[KEY].layout.series


def test_series_of_segments_are_no_part_of_max_series() -> None:
    """`limits.max_series` counts the series of all events, as for features."""
    shard = truth_shard({**SEGMENTED, "limits": {"max_series": 4}})
    assert run(shard, RECORDS).alerts == ALERTS
    model = shard.catalogue.models[KEY]
    segments = [name for name in model.layout.series if segment_of(name)]
    assert len(segments) == len(REGIONS)
    assert shard.catalogue.series == len(model.layout.series) - len(segments) == 4
    shard.catalogue.retire(KEY)
    assert shard.catalogue.series == 0


def test_a_version_that_is_forgotten_ends_its_segments() -> None:
    """Newer versions replace it: its open incident ends, with the segment that it was about."""
    shard = truth_shard(SEGMENTED)
    run(shard, RECORDS)
    last = next(each for each in reversed(LOG) if each["status"] == "labelled")
    newer = [
        {**last, "seq": last["seq"] + 100 + number, "model_version": f"new {number}"}
        for number in range(MAX_VERSIONS)
    ]
    alerts = run(shard, records([*LOG, *newer])[len(LOG) :]).alerts
    ends = [alert for alert in alerts if alert.reason == "superseded" and alert.segment]
    assert [(each.series, each.segment, each.status) for each in ends] == [
        (ESTIMATED, {"region": "a"}, "resolved")
    ]
    assert {each.incident_id for each in ends} == {ALERTS[0].incident_id}


def test_a_tag_of_many_values_takes_bounded_memory() -> None:
    """A user's id, another one in each prediction, has no series and a hundred counters."""
    estimates: dict[str, SegmentEstimates] = {}
    tags, losses = Segments(tags=("user", "region"), largest=2), [0.5] * 100
    for window in range(20):
        columns = {
            "user": [f"u{window}-{number}" for number in range(100)],
            "region": [REGIONS[number % 5] for number in range(100)],
            "other": ["x"] * 100,
        }
        found = segment_values(estimates, tags, columns, losses)
    assert {segment_of(series) for _, series, _ in found} == {
        ("region", "a", ESTIMATED),
        ("region", "b", ESTIMATED),
    }
    assert estimates.keys() == {"user", "region"}
    assert estimates["user"].sums == {}
    assert len(estimates["user"].counts.counts) <= 100
    assert estimates["region"].sums.keys() == {"a", "b"}
    segment_values(estimates, None, {}, losses)
    assert estimates == {}


def test_a_segment_is_the_mean_of_its_own_predictions() -> None:
    """Ten predictions of a value make one, across windows; unusable ones are left out."""
    of_tag = SegmentEstimates()
    list(of_tag.add("region", ["eu"] * 100, [0.0] * 100, 1))
    nan = float("nan")
    # The hundredth prediction is the first of the series, with a loss of 0.
    assert list(of_tag.add("region", ["eu", "us"] * 8, [1.0, 9.0] * 7 + [nan, 9.0], 1)) == []
    [(index, series, mean)] = of_tag.add("region", [None, *["eu"] * 9], [9.0, *[2.0] * 9], 1)
    assert (index, segment_of(series)) == (2, ("region", "eu", ESTIMATED))
    assert mean == (7 * 1.0 + 2 * 2.0) / 10
