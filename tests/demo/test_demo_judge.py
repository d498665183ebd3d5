from datetime import timedelta

import pytest

from streamproc.contract.alerts import AlertEvent
from streamproc.demo import LEAST_EVENTS
from streamproc.demo.judge import judge
from streamproc.demo.story import Incident, Story


@pytest.fixture(scope="module")
def story() -> Story:
    """Return the smallest story."""
    return Story(LEAST_EVENTS)


@pytest.fixture(scope="module")
def incident(story: Story) -> Incident:
    """Return the first that happens."""
    return story.incidents[0]


def _alert(story: Story, incident: Incident, after: int, **changes: object) -> AlertEvent:
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


def test_silence_misses_everything(story: Story) -> None:
    """Without an alert each incident is missed, and none is false."""
    verdict = judge(story, [])
    assert verdict.missed == story.incidents
    assert verdict.false == ()


def test_the_delay_counts_the_first_event_that_differs(story: Story, incident: Incident) -> None:
    """An alert at the third event was found after three events and the time between them."""
    verdict = judge(story, [_alert(story, incident, 2), _alert(story, incident, 9)])
    found = verdict.findings[0]
    assert (found.events, found.in_time) == (3, True)
    end = story.time(incident.model_id, incident.begins + 2)
    assert found.delay == end - incident.began_at > timedelta(0)
    assert verdict.false == ()
    assert verdict.missed == story.incidents[1:]


def test_an_alert_past_the_bound_is_late(story: Story, incident: Incident) -> None:
    """One event past the bound is found, and not in time."""
    for after, in_time in ((incident.within - 1, True), (incident.within, False)):
        found = judge(story, [_alert(story, incident, after)]).findings[0]
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
    story: Story, incident: Incident, after: int, changes: dict[str, object]
) -> None:
    """An alert before the beginning, on another series or model, is false and finds nothing."""
    alert = _alert(story, incident, after, **changes)
    verdict = judge(story, [alert])
    assert verdict.false == (alert,)
    assert verdict.missed == story.incidents


def test_only_firing_begins_an_incident(story: Story, incident: Incident) -> None:
    """What is updated or resolved finds nothing, and is not false."""
    alerts = [_alert(story, incident, 5, status=status) for status in ("updated", "resolved")]
    assert judge(story, alerts) == judge(story, [])
