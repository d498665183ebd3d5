from datetime import timedelta

import pytest
from demo_performance import perform
from update_factory import update

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tools.demo import MIN_EVENTS
from streamproc.tools.demo.events import Incident, Scenario
from streamproc.tools.demo.score import score


@pytest.fixture(scope="module")
def story() -> Scenario:
    """Return the smallest story."""
    return Scenario(MIN_EVENTS)


@pytest.fixture(scope="module")
def incident(story: Scenario) -> Incident:
    """Return the first that happens."""
    return next(each for each in story.incidents if each.series != "error")


@pytest.fixture(scope="module")
def error(story: Scenario) -> Incident:
    """Return the one that only labels show."""
    return next(each for each in story.incidents if each.series == "error")


@pytest.fixture(scope="module")
def alarm(story: Scenario, error: Incident) -> AlertEvent:
    """Return the alarm that it gives."""
    return _alert(story, error, 40)


@pytest.fixture(scope="module")
def steps(story: Scenario) -> list[ModelUpdate]:
    """Return the steps that are expected, in their order."""
    good, bad, back = story.lessons
    return [
        _step(story, "promoted", good.during.start + 200, 3),
        _step(story, "promoted", bad.during.start + 150, 5),
        _step(story, "rolled_back", back.during.start + 90, 3),
    ]


def _step(story: Scenario, step: str, row: int, serving: int) -> ModelUpdate:
    """Return a step at the label of an event."""
    ts = story.time(story.learner, row)
    name = story.learner
    return update(f"u{row}", model_id=name, step=step, ts=ts, version=serving, serving=serving)


def _alert(story: Scenario, incident: Incident, after: int, **changes: object) -> AlertEvent:
    """Return an alert of the incident's series, so many events after its beginning."""
    ts = story.time(incident.model_id, incident.begins + after)
    fields = {
        "alert_id": f"a{after}",
        "incident_id": "i",
        "status": "firing",
        "model_id": incident.model_id,
        "kind": "data",
        "series": incident.series,
        "detector": "adwin",
        "message": "it changed",
        "ts": ts,
        "detected_at": ts,
        "source": {"topic": "predictions", "partition": 0, "offset": 0},
    }
    return AlertEvent.model_validate(fields | changes)


def test_silence_misses_everything(story: Scenario) -> None:
    """Without an alert each incident is missed, and none is false."""
    verdict = score(story, [])
    assert verdict.missed == story.incidents
    assert verdict.false == ()


def test_the_delay_counts_the_first_event_that_differs(story: Scenario, incident: Incident) -> None:
    """An alert at the third event was found after three events and the time between them."""
    verdict = score(story, [_alert(story, incident, 2), _alert(story, incident, 9)])
    found = next(each for each in verdict.findings if each.incident == incident)
    assert (found.events, found.in_time) == (3, True)
    end = story.time(incident.model_id, incident.begins + 2)
    assert found.delay == end - incident.began_at > timedelta(0)
    assert verdict.false == ()
    assert verdict.missed == tuple(each for each in story.incidents if each != incident)


def test_an_alert_past_the_bound_is_late(story: Scenario, incident: Incident) -> None:
    """One event past the bound is found, and not in time."""
    for after, in_time in ((incident.within - 1, True), (incident.within, False)):
        findings = score(story, [_alert(story, incident, after)]).findings
        found = next(each for each in findings if each.incident == incident)
        assert (found.alert is not None, found.in_time) == (True, in_time)


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (-1, {}),
        (5, {"series": "feature:age"}),
        (5, {"model_id": "ticket-router"}),
    ],
    ids=["before it begins", "another series", "another model"],
)
def test_what_did_not_happen_is_false(
    story: Scenario, incident: Incident, after: int, changes: dict[str, object]
) -> None:
    """An alert before the beginning, on another series or model, is false and finds nothing."""
    alert = _alert(story, incident, after, **changes)
    verdict = score(story, [alert])
    assert verdict.false == (alert,)
    assert verdict.missed == story.incidents


def test_only_firing_begins_an_incident(story: Scenario, incident: Incident) -> None:
    """What is updated or resolved finds nothing, and is not false."""
    alerts = [_alert(story, incident, 5, status=status) for status in ("updated", "resolved")]
    assert score(story, alerts) == score(story, [])


def test_an_error_is_counted_in_labels_until_they_are_known(
    story: Scenario, error: Incident, alarm: AlertEvent
) -> None:
    """Events without a label do not count, and the time that labels take does."""
    verdict = score(story, [alarm])
    found = next(each for each in verdict.findings if each.incident == error)
    rows = range(error.begins, error.begins + 41)
    assert found.events == sum(story.labels.came[row] is not None for row in rows) < 41
    assert found.delay == alarm.ts - error.began_at + story.late


def test_an_error_that_joins_an_incident_is_found(story: Scenario, error: Incident) -> None:
    """Another measure of the errors may fire first; it is not false, and finds nothing itself."""
    brier = _alert(story, error, 30, series="metric:brier")
    joined = _alert(story, error, 35, status="updated")
    verdict = score(story, [brier, joined])
    found = next(each for each in verdict.findings if each.incident == error)
    assert (found.alert, verdict.false) == (joined, ())
    assert score(story, [brier]).missed == story.incidents


@pytest.mark.parametrize("reason", ["recovered", "superseded", "accepted"])
def test_what_is_called_over_while_it_lasts_is_a_failure(story: Scenario, reason: str) -> None:
    """A fault that lasts and is reported as recovered makes the verdict incomplete."""
    played = perform(story)
    fault = story.incidents[0]
    ended = _alert(story, fault, 90, status="resolved", reason=reason)
    verdict = score(story, [*played.alerts, ended], played.updates)
    assert verdict.over == ((ended,) if reason == "recovered" else ())
    assert verdict.complete == (reason != "recovered")


def test_a_recovery_before_the_fault_is_not_about_it(story: Scenario) -> None:
    """What is resolved before an incident begins, or of another series, calls nothing over."""
    fault = story.incidents[0]
    early = _alert(story, fault, -5, status="resolved", reason="recovered")
    other = _alert(story, fault, 5, status="resolved", reason="recovered", series="feature:load_mw")
    assert score(story, [early, other]).over == ()


def test_a_season_that_is_not_known_is_a_failure(story: Scenario) -> None:
    """Each series that follows the hour of the day has to have that character in the end."""
    played = perform(story)
    complete = score(story, played.alerts, played.updates, played.statuses)
    assert (len(complete.seasons), complete.unknown_seasons, complete.complete) == (3, (), True)
    changed = [
        status.model_copy(update={"character": "dependent"})
        if (status.model_id, status.series) == ("heat-demand", "prediction")
        else status
        for status in played.statuses
    ]
    verdict = score(story, played.alerts, played.updates, changed)
    assert verdict.unknown_seasons == (("heat-demand", "prediction"),)
    assert not verdict.complete


@pytest.mark.parametrize("series", ["feature:amount", "prediction", "quality:amount"])
def test_the_new_pattern_is_no_reason_for_other_alarms(
    story: Scenario, error: Incident, series: str
) -> None:
    """What the model sees and says is as ever: an alarm about it is false."""
    alert = _alert(story, error, 40, series=series)
    assert score(story, [alert]).false == (alert,)


def test_steps_in_their_order_are_what_should_be_learned(
    story: Scenario, alarm: AlertEvent, steps: list[ModelUpdate]
) -> None:
    """Each is counted in labels from its reason on, with the version that answered before."""
    verdict = score(story, [alarm], steps)
    assert [learnt.update for learnt in verdict.learnt] == steps
    assert [learnt.before for learnt in verdict.learnt] == [1, 3, 5]
    good = story.lessons[0].during.start
    assert verdict.learnt[0].labels == story.labels.between(range(good, good + 201))
    assert verdict.strays == ()


@pytest.mark.parametrize("missing", range(3))
def test_a_step_that_is_missing_is_not_made_up_for(
    story: Scenario, alarm: AlertEvent, steps: list[ModelUpdate], missing: int
) -> None:
    """Without one of the steps the verdict is not complete, whatever else is there."""
    played = perform(story)
    whole = score(story, played.alerts, played.updates)
    left = [each for each in steps if each is not steps[missing]]
    verdict = score(story, [alarm, *played.alerts], left)
    assert (whole.complete, verdict.complete) == (True, False)
    assert story.lessons[missing] in verdict.unlearnt


def test_learning_counts_only_after_the_alarm(
    story: Scenario, error: Incident, steps: list[ModelUpdate]
) -> None:
    """A promotion that nothing gave reason to is a stray, and nothing was learned."""
    assert score(story, [], steps).unlearnt == story.lessons
    assert score(story, [], steps).strays == tuple(steps)
    late = _alert(story, error, 300)
    assert score(story, [late], steps[:1]).unlearnt == story.lessons


def test_a_step_too_many_is_a_stray(
    story: Scenario, alarm: AlertEvent, steps: list[ModelUpdate]
) -> None:
    """A rollback of what was good is named, and what is merely learned or given up is not."""
    back = _step(story, "rolled_back", story.lessons[0].during.start + 260, 1)
    others = [_step(story, name, 5, 1) for name in ("learned", "challenger", "retired")]
    verdict = score(story, [alarm], [*others, steps[0], back, *steps[1:]])
    assert verdict.strays == (back,)
    assert verdict.unlearnt == ()
