import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_streams import START, late_labels
from outcome_logs import records, truth_shard
from record_logs import NOW, run, state

from streamproc import Monitor
from streamproc.decode.event_schema import Topic
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

CHANGE, DELAY, COUNT = 5500, 1200, 6300
ESTIMATED = "metric:estimated"


def monitored(events: list[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Return the alerts about errors of a stream."""
    alerts = Monitor(config, clock=lambda: NOW).process(events)
    return [alert for alert in alerts if alert.source.topic == "outcomes"]


def outcomes_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a join writes of a stream."""
    monitor = Monitor()
    monitor.process(events)
    return [json.loads(outcome.to_json()) for outcome in monitor.outcomes]


LOG = outcomes_of(late_labels(2, COUNT, change=CHANGE, delay=DELAY))
RECORDS = records(LOG)


@pytest.mark.parametrize("kind", ["binary", "numbers"])
def test_harder_inputs_are_found_before_their_labels_arrive(kind: str) -> None:
    """The alert comes before the first label of the change, and says that it is an estimate."""
    events = late_labels(2, COUNT, change=CHANGE, delay=DELAY, kind=kind)
    alert = monitored(events)[0]
    labelled = [event.get("event_id") for event in outcomes_of(events)]
    assert (alert.series, alert.status, alert.kind) == (ESTIMATED, "firing", "performance")
    assert alert.source.offset < labelled.index(f"e{CHANGE}")
    assert CHANGE <= alert.ts.timestamp() - START < CHANGE + 300
    what = "error rate" if kind == "binary" else "absolute error"
    assert alert.message.startswith(f"estimated {what} of model 'fraud' (version 7) rose from")
    assert "predictions ago; an estimate before labels: the last ones show" in alert.message
    assert "the last 5 estimates were off by" in alert.message


def test_an_estimate_is_a_warning_until_labels_confirm_it() -> None:
    """It never pages by itself; the measured error joins its incident, as urgent as configured."""
    config = {"models": [{"id": "fraud", "severity": "critical"}]}
    events = late_labels(2, 7800, change=CHANGE, delay=DELAY)
    alerts = monitored(events, config)
    estimated = [alert for alert in alerts if alert.series == ESTIMATED]
    measured = [alert for alert in alerts if alert.series == "error"]
    assert {alert.severity for alert in estimated} == {"warning"}
    assert measured[0].severity == "critical"
    assert measured[0].kind == "concept"
    assert measured[0].incident_id == estimated[0].incident_id


@pytest.mark.parametrize("kind", ["binary", "numbers"])
def test_steady_inputs_raise_no_alert(kind: str) -> None:
    """Labels that go on refining the expected losses do not move the estimate."""
    assert monitored(late_labels(5, 9000, kind=kind)) == []


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, len(RECORDS)), max_size=6))
def test_any_split_gives_the_same_alerts_and_state(cuts: list[int]) -> None:
    """An estimate does not depend on how its log is cut, nor on labels of the same slice."""
    at_once, in_parts = truth_shard(), truth_shard()
    expected, found = run(at_once, RECORDS), run(in_parts, RECORDS, cuts)
    assert any(alert.series == ESTIMATED for alert in expected.alerts)
    assert found.alerts == expected.alerts
    assert state(in_parts) == state(at_once)


@settings(max_examples=8, deadline=None)
@given(crash=st.integers(0, len(RECORDS)), again=st.integers(0, 300))
def test_a_replay_after_a_crash_gives_the_same_alerts(crash: int, again: int) -> None:
    """What was read after the last snapshot is read again, and every alert has the same id."""
    expected = run(truth_shard(), RECORDS).alerts
    before = truth_shard()
    found = run(before, RECORDS[: max(0, crash - again)]).alerts
    saved = encode(before, Topic.OUTCOMES.value, 0, max(0, crash - again))
    run(before, RECORDS[max(0, crash - again) : crash])  # lost with the process
    after = restore(decode(saved), Topic.OUTCOMES, "outcomes", 0, before.catalogue.config).shard
    found += run(after, RECORDS[max(0, crash - again) :]).alerts
    assert found == expected


def test_a_replay_of_outcomes_gives_the_alerts_of_the_join() -> None:
    """The predictions that were written to `outcomes` are all that an estimate needs."""
    events = late_labels(2, COUNT, change=CHANGE, delay=DELAY)
    assert monitored(LOG) == monitored(events)


def test_windows_that_are_written_again_do_not_count() -> None:
    """A join that has lost its store, and a part of its topics, repeats predictions in vain."""
    windows = [event for event in LOG if event.get("predictions")]
    once, more = truth_shard(), truth_shard()
    run(once, RECORDS)
    repeated = [
        window | {"epoch": 2, "seq": number, "outcome_id": f"again-{number}"}
        for number, window in enumerate(windows[:-1])
    ]
    alerts = run(more, records([*LOG, *repeated])).alerts
    key = '["fraud","7"]'
    assert alerts == run(truth_shard(), RECORDS).alerts
    slots = [each.catalogue.models[key].layout.events.max() for each in (once, more)]
    assert slots[0] == slots[1]


def test_a_topic_that_was_recreated_counts_from_its_start() -> None:
    """Its offsets are smaller, but its predictions are later, so the estimate goes on."""
    windows = [event for event in LOG if event.get("predictions")]
    later = [
        window
        | {"epoch": 2, "seq": number, "ts": START + 100_000 + number}
        | {"event_source": {"topic": "predictions", "partition": 0, "offset": 100 * number}}
        for number, window in enumerate(windows)
    ]
    once, more = truth_shard(), truth_shard()
    run(once, RECORDS)
    run(more, records([*LOG, *later]))
    before, after = (
        each.catalogue.models['["fraud","7"]'].layout.events.max() for each in (once, more)
    )
    assert after == before + 10 * len(windows)


def test_readers_of_an_earlier_version_pass_windows() -> None:
    """A window is an outcome of the status `coverage`, which they know, with one more field."""
    log = OutcomeLog()
    found = [accepted.row for accepted in log.read(RECORDS)]
    windows = [row for row in found if isinstance(row, OutcomeRow) and row.status == "coverage"]
    assert len(windows) == sum("predictions" in event for event in LOG) > 50
    assert log.unreadable == 0


def test_without_detectors_there_is_nothing_to_read() -> None:
    """`detectors: []` turns the estimate off, and the join writes no windows."""
    config = {"models": [{"id": "fraud", "watch": [{"on": ESTIMATED, "detectors": []}]}]}
    monitor = Monitor(config)
    monitor.process(late_labels(2, 3000))
    assert {outcome.status for outcome in monitor.outcomes} == {"labelled"}


def test_detectors_of_right_and_wrong_do_not_read_estimates() -> None:
    """`ddm` under a glob is for the error: an estimate is a number, and is not watched by it."""
    config = {"models": [{"id": "fraud", "watch": [{"on": "*", "detectors": ["ddm"]}]}]}
    events = late_labels(2, COUNT, change=CHANGE, delay=DELAY)
    assert ESTIMATED not in {alert.series for alert in monitored(events, config)}


def test_predictions_that_do_not_fit_the_task_are_left_out() -> None:
    """A number outside of [0, 1] is not a probability: the others of its window count."""
    events = [
        event | ({"prediction": 7.5} if "prediction" in event and number % 50 == 0 else {})
        for number, event in enumerate(late_labels(2, COUNT, change=CHANGE, delay=DELAY))
    ]
    config = {"models": [{"id": "fraud", "task": "binary"}]}
    assert ESTIMATED in {alert.series for alert in monitored(events, config)}
