import json
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from streamproc import Monitor
from streamproc.contract.events import parse_event
from streamproc.demo import LEAST_EVENTS
from streamproc.demo.cast import CAST
from streamproc.demo.judge import judge
from streamproc.demo.story import START, Story

SIZES = [LEAST_EVENTS, 40_000]


@pytest.mark.parametrize("events", SIZES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_incident_is_found_and_no_other(events: int, seed: int) -> None:
    """The defaults find every incident within its bound, and tell of nothing that is not."""
    story = Story(events, seed)
    monitor = Monitor()
    verdict = judge(story, monitor.process(told.event for told in story.tell()))
    assert [found for found in verdict.findings if not found.in_time] == []
    assert verdict.false == ()
    assert (monitor.events, monitor.dead_letters) == (events, [])


def test_the_story_is_the_same_whenever_it_is_told() -> None:
    """Two stories of one size have the same events, and another seed gives others."""
    first, second, other = (
        [told.event for told in Story(LEAST_EVENTS, seed).tell()] for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_every_event_is_one_of_the_contract() -> None:
    """Events pass the contract's own checks, after a way through JSON too."""
    for told in Story(LEAST_EVENTS).tell():
        assert parse_event(json.loads(json.dumps(told.event))).model_id == told.event["model_id"]


@pytest.mark.parametrize("events", SIZES)
def test_there_are_as_many_events_as_asked_for_in_order(events: int) -> None:
    """Event times rise, each model's strictly, from the fixed date on."""
    story = Story(events)
    times = [(told.ts, told.event["model_id"]) for told in story.tell()]
    assert len(times) == events
    assert times == sorted(times, key=lambda time: time[0])
    assert len(set(times)) == events
    assert 0 <= times[0][0] - START.timestamp() < 5
    counts = Counter(model for _, model in times)
    assert counts == {actor.id: story.count(actor.id) for actor in CAST}


def test_the_kinds_of_incidents_that_the_story_promises() -> None:
    """A unit, a slow shift, predictions alone, an outage, a boolean; two models untouched."""
    assert {(incident.model_id, incident.series) for incident in Story(40_000).incidents} == {
        ("card-fraud", "feature:amount"),
        ("loan-default", "feature:income"),
        ("churn", "prediction"),
        ("delivery-eta", "quality:traffic"),
        ("cold-chain", "feature:door_open"),
    }
    assert sum(actor.twist is None for actor in CAST) == 2


def test_an_incident_begins_at_the_event_that_it_names() -> None:
    """The outage's first null is the event of its index and of its time; before it is none."""
    story = Story(LEAST_EVENTS)
    outage = next(found for found in story.incidents if found.series == "quality:traffic")
    told = [one for one in story.tell() if one.event["model_id"] == outage.model_id]
    missing = [one.event["features"]["traffic"] is None for one in told]
    assert missing == [row >= outage.begins for row in range(len(told))]
    assert told[outage.begins].ts == outage.began_at.timestamp()


def test_an_incident_touches_one_column_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All other columns are those of the same story without any incident."""
    columns = _columns(Story(LEAST_EVENTS))
    calm = tuple(replace(actor, twist=None) for actor in CAST)
    monkeypatch.setattr("streamproc.demo.story.CAST", calm)
    without = _columns(Story(LEAST_EVENTS))
    assert {name for name in columns if columns[name] != without[name]} == {
        (actor.id, actor.twist.column) for actor in CAST if actor.twist is not None
    }


def test_an_index_is_the_number_of_earlier_events() -> None:
    """The time of an event leads back to its index."""
    story = Story(LEAST_EVENTS)
    for index in (0, 1, 77, story.count("churn") - 1):
        assert story.index("churn", story.time("churn", index)) == index


def _columns(story: Story) -> dict[tuple[str, str], list[object]]:
    """Return the values of every feature and prediction, by model and name."""
    columns: dict[tuple[str, str], list[object]] = defaultdict(list)
    for told in story.tell():
        for name, value in told.event["features"].items():
            columns[told.event["model_id"], name].append(value)
        if "prediction" in told.event:
            columns[told.event["model_id"], "prediction"].append(told.event["prediction"])
    return columns
