import json
import random

import pytest
from outcome_logs import labelled, outcome, records, told, truth_shard
from record_logs import record, run, shard

from streamproc.decode.event_schema import Topic
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import Reason

DRIFT = 2000


def of_series(alerts: list[AlertEvent], series: str) -> list[AlertEvent]:
    """Return the alerts of one series."""
    return [alert for alert in alerts if alert.series == series]


def test_a_concept_that_changes_is_found_on_the_error_alone() -> None:
    """Where the same inputs get other labels, the error alarms soon, and no feature does."""
    events = labelled(4000, seed=1, drift_at=DRIFT)
    seen = [
        {name: event[name] for name in ("model_id", "ts", "features", "prediction")}
        for event in events
    ]

    assert run(shard(), [record(i, event) for i, event in enumerate(seen)]).alerts == []
    alert = of_series(told(events), "error")[0]

    assert alert.kind == "concept"
    assert DRIFT < alert.source.offset < DRIFT + 200
    assert alert.change_point
    assert abs(alert.change_point.offset - DRIFT) < 50


def test_an_alarm_explains_itself() -> None:
    """The sentence has the rates, since when, how many labels, and realised beside expected."""
    [alert] = of_series(told(labelled(2200, seed=1, drift_at=DRIFT)), "error")

    assert alert.message.startswith("error rate of model 'fraud' (version 7) rose from 1")
    before, after = (side.mean for side in (alert.before, alert.after) if side)
    assert before
    assert after
    assert f"from {100 * before:.3g} % to {100 * after:.3g} %; since 2023-11-14" in alert.message
    assert f"{alert.after.n} labels ago; accuracy {100 * (1 - after):.3g} %" in alert.message
    assert "(expected 8" in alert.message
    assert "ROC AUC 0." in alert.message


def test_series_that_alarm_together_are_one_incident() -> None:
    """Error, log loss and Brier score of a version fire once; still wrong, they have settled."""
    alerts = told(labelled(6000, seed=2, drift_at=DRIFT))
    alerts = [alert for alert in alerts if alert.detector != "floor"]

    assert len({alert.incident_id for alert in alerts}) == 1
    statuses = [alert.status for alert in alerts]
    assert (statuses.count("firing"), statuses.count("settled")) == (1, 1)
    assert statuses[-1] == "settled"
    assert "the incident is over" not in alerts[-1].message
    assert alerts[-1].contributors
    assert {part.series for part in alerts[-1].contributors} >= {"error", "metric:brier"}


def test_a_model_that_is_good_again_is_over() -> None:
    """Once error, log loss and Brier score are as before their incident is resolved, once."""
    bad = labelled(4000, seed=2, drift_at=DRIFT)[DRIFT : DRIFT + 600]
    good = labelled(6000, seed=2)
    alerts = told([*good[:DRIFT], *bad, *good[DRIFT + 600 :]])
    alerts = [alert for alert in alerts if alert.detector != "floor"]

    assert len({alert.incident_id for alert in alerts}) == 1
    assert [alert.status for alert in alerts].count("resolved") == 1
    assert (alerts[-1].status, alerts[-1].reason) == ("resolved", "recovered")
    assert alerts[-1].message.endswith("; the incident is over")


def test_a_model_that_gets_better_wakes_nobody() -> None:
    """A falling error rate does not open an incident, and its new level is the one to hold."""
    draw = random.Random(4)
    rates = [0.4] * 2000 + [0.1] * 3000 + [0.4] * 300
    events = [
        outcome(number, "a" if draw.random() < rate else "b", "b")
        for number, rate in enumerate(rates)
    ]
    config = {"models": [{"id": "*", "watch": [{"on": "error", "detectors": ["adwin"]}]}]}

    [alert] = told(events, config)

    assert alert.source.offset >= 5000
    assert alert.before
    assert alert.before.mean == pytest.approx(0.1, abs=0.02)


def test_a_regression_is_watched_by_its_absolute_error() -> None:
    """A regression whose errors grow alarms, with MAE and R² in its sentence."""
    draw = random.Random(5)
    events = []
    for number in range(2400):
        truth = draw.gauss(50, 9)
        events.append(outcome(number, truth + draw.gauss(0, 1 + 2 * (number >= 2000)), truth))
    alert = of_series(told(events), "error")[0]

    assert 2000 < alert.source.offset < 2150
    assert alert.message.startswith("absolute error of model 'fraud' (version 7) rose from 0.")
    assert "; mean absolute error 2" in alert.message
    assert ", R² 0.9" in alert.message


def test_detectors_of_errors_are_configured_by_series() -> None:
    """`on: error` chooses the detectors of the error, and leaves the metrics alone."""
    watch = [{"on": "error", "detectors": ["ddm"]}, {"on": "metric:*", "detectors": []}]
    alerts = told(
        labelled(4000, seed=6, drift_at=DRIFT), {"models": [{"id": "fraud", "watch": watch}]}
    )

    assert {(alert.series, alert.detector) for alert in alerts} == {("error", "ddm")}


def test_a_new_version_has_a_level_of_its_own() -> None:
    """A version that is worse than the one before is a bad release and no drift, nor hides one."""
    old = labelled(2000, seed=7)
    new = labelled(4000, seed=8, drift_at=0, flipped=0.2, model_version="8")
    for number, event in enumerate(new):
        event["seq"] = 2000 + number
        if number >= 3000:
            event["label"] = event["prediction"] < 0.5
    alerts = told([*old, *new])

    assert {alert.model_version for alert in alerts} == {"8"}
    assert alerts[0].series == "metric:release"
    drifts = [alert for alert in alerts if alert.series != "metric:release"]
    assert drifts
    assert drifts[0].source.offset >= 5000


def test_versions_without_end_cost_no_memory() -> None:
    """Of each model eight versions are watched; the oldest gives way, its incident is closed."""
    events = labelled(2500, seed=9, drift_at=DRIFT)
    events += [outcome(2500 + number, 0.5, 1, model_version=f"v{number}") for number in range(1000)]
    target = truth_shard()
    alerts = run(target, records(events)).alerts

    assert target.truth
    assert len(target.catalogue.models) == len(target.truth.performance.tracks) == 8
    assert target.catalogue.series == 24
    assert sum(profile.used for profile in target.catalogue.profiles.values()) <= 24
    assert alerts[-1].status == "resolved"
    assert "newer versions have replaced it" in alerts[-1].message
    assert target.incidents.open == {}


def test_what_a_writer_of_before_says_does_not_count() -> None:
    """Outcomes of an older epoch, and those that were sent twice, change nothing."""
    events = labelled(600, seed=10)
    late = [event | {"epoch": 0, "seq": 10_000 + i} for i, event in enumerate(events[:200])]
    twice = events[300:350]
    plain, noisy = truth_shard(), truth_shard()
    run(plain, records(events))
    run(noisy, records([*events[:400], *late, *twice, *events[400:]]))

    assert plain.truth
    assert noisy.truth
    assert _same(plain.truth.performance.state(), noisy.truth.performance.state())


def test_a_writer_s_mark_ends_what_was_before() -> None:
    """After a mark, outcomes of earlier epochs do not count, and the mark is not an outcome."""
    events = labelled(20, seed=11)
    mark = record(10, b"", headers=(("epoch", b"2"),))
    command = record(11, b"{}", headers=(("command", b"promote"),))
    log = [*records(events)[:10], mark, command, *records(events)[10:]]
    target = truth_shard()
    found = run(target, log)

    assert found.dead_letters == []
    assert found.events == 10


def test_only_what_has_a_label_is_judged() -> None:
    """Questions, late labels and labels of no event are read and change nothing."""
    events = [
        outcome(0, 0.5, None, status="asked"),
        outcome(1, 0.5, 1, status="late"),
        outcome(2, None, 1, status="unmatched"),
        outcome(3, 0.5, 1),
        outcome(4, 0.5, 0, status="revised", revision=2),
    ]
    found = run(truth_shard(), records(events))

    assert (found.events, found.dead_letters, found.alerts) == (2, [], [])


def test_what_cannot_be_judged_is_counted_all_the_same() -> None:
    """A question and a label without a prediction are numbered too: none before them counts."""
    silent = outcome(9, None, 1)
    del silent["prediction"]
    events = [
        outcome(5, 0.5, None, status="asked"),
        outcome(4, 0.5, 1),
        silent,
        outcome(8, 0.5, 1),
        outcome(10, 0.5, 1),
    ]

    assert run(truth_shard(), records(events)).events == 1


def test_a_batch_of_outcomes_is_read_as_any_other() -> None:
    """Outcomes may come as an array; the broken one of them is the only dead letter."""
    events = [*labelled(3, seed=12), outcome(3, 0.5, 1) | {"status": "perhaps"}]
    found = run(truth_shard(), [record(0, json.dumps(events).encode(), key=b"fraud")])

    assert found.events == 3
    assert [(letter.reason, letter.index) for letter in found.dead_letters] == [
        (Reason.WRONG_TYPE, 3)
    ]


def test_a_regression_that_looked_like_a_classifier_is_said() -> None:
    """Numbers from 0 to 1 with labels 0 and 1 count as chances until two labels disprove it."""
    events = [outcome(number, 0.5, number % 2) for number in range(50)]
    events += [outcome(50 + number, 0.5, 3.5) for number in range(10)]
    target = truth_shard()
    [alert] = run(target, records(events)).alerts

    assert (alert.kind, alert.detector, alert.source.offset) == ("system", "task", 51)
    assert "set models[].task" in alert.message
    assert target.truth
    assert target.truth.performance.figures('["fraud","7"]')["mae"] == 3.0


def _same(one: dict, other: dict) -> bool:
    return {name: array.tobytes() for name, array in one.items()} == {
        name: array.tobytes() for name, array in other.items()
    }


def test_outcomes_are_a_topic_of_their_own() -> None:
    """Alerts of outcomes name the record of the outcome, so that a replay gives the same ids."""
    events = labelled(2500, seed=1, drift_at=DRIFT)
    first = told(events)

    assert {alert.source.topic for alert in first} == {Topic.OUTCOMES.value}
    assert [alert.alert_id for alert in told(events)] == [alert.alert_id for alert in first]


@pytest.mark.parametrize("cut", [None, 3])
def test_a_detector_that_turns_out_to_be_blind_is_told_once_a_version(cut: int | None) -> None:
    """Where labels show that a model is a regression, its `ddm` is blind: an alert says so."""
    config = {"models": [{"id": "*", "watch": [{"on": "error", "detectors": ["ddm"]}]}]}
    events = [outcome(n, 10.0 + n, 12.5 + n, model_version=str(n // 6)) for n in range(12)]
    watching, log = truth_shard(config), records(events)
    parts = [log] if cut is None else [log[at : at + cut] for at in range(0, len(log), cut)]
    alerts = [alert for part in parts for alert in run(watching, part).alerts]

    assert [(a.kind, a.series, a.detector, a.model_version) for a in alerts] == [
        ("blind", "error", "ddm", "0"),
        ("blind", "error", "ddm", "1"),
    ]
    assert alerts[0].message.startswith("ddm cannot watch error of model 'fraud' (version 0)")
    assert "configure one of adwin, page_hinkley" in alerts[0].message
