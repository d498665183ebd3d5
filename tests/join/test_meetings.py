"""Which labels without an event, and which ids of several events, are worth an alert."""

import json
from collections.abc import Iterable
from typing import Any

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.join.meetings import Meeting
from streamproc.join.placement import Finding, Topics, apart, reused, suspicious
from streamproc.monitor import LogRecord

TOPICS = Topics("predictions", "labels")
DAY = 86_400.0


def unmatched(grace: float, first: float, until: float, events: int = 1) -> Meeting:
    """Return a meeting with labels of which none has met an event, one an hour."""
    meeting = Meeting(grace=grace)
    for hour in range(24):
        meeting.label(first - hour * 3600, met=False)
    for _ in range(events):
        meeting.event(first, waiting=0)
    for second in range(int(first), int(until), 3600):
        meeting.label(second, met=False)
    return meeting


def test_labels_of_events_before_the_start_are_not_suspicious() -> None:
    """Where older events were skipped, labels may lack theirs for a grace period."""
    assert not suspicious(unmatched(7 * DAY, 0.0, 6 * DAY))
    assert suspicious(unmatched(0.0, 0.0, 6 * DAY))


def test_labels_that_still_meet_nothing_are_suspicious_later() -> None:
    """After the grace period each event that a label may belong to was read."""
    assert suspicious(unmatched(7 * DAY, 0.0, 9 * DAY))


def test_labels_before_the_first_event_are_reported_only_if_it_is_elsewhere() -> None:
    """Labels of skipped events come first; those beside the events of another partition do not."""
    meetings = {0: {"fraud": unmatched(7 * DAY, 0.0, 0.0, events=0)}}
    home = {"fraud": 3}
    assert apart(TOPICS, {}, meetings, home) == []
    [found] = apart(TOPICS, {3: ["fraud"]}, meetings, home)
    assert "arrive on partitions 3" in found.detail


def ids_reused(events: Iterable[tuple[InputLog, dict[str, Any]]]) -> list[Finding]:
    """Return the findings about ids after a log of events, one a second."""
    join = Join(Config(), 3, asks=lambda _: True)
    for at, (log, event) in enumerate(events):
        body = json.dumps({"model_id": "fraud"} | event).encode()
        join.process([(log, LogRecord(at, body, 1_700_000_000_000 + 1000 * at, b"fraud"))])
    return reused("predictions", {3: join.meetings.of})


def test_ids_of_several_events_are_reported() -> None:
    """The message has the model, how many events, and what to do."""
    events = [{"event_id": str(at % 50), "prediction": at / 100} for at in range(90)]
    [found] = ids_reused((InputLog.PREDICTIONS, event) for event in events)
    assert (found.problem, found.model_id, found.partitions) == ("ids_reused", "fraud", (3,))
    assert found.message.startswith("40 events of model 'fraud' on partition 3")
    assert "give each event of a model another event_id" in found.message


def test_events_that_come_twice_are_no_reuse_of_ids() -> None:
    """A repeated delivery, and a prediction with the id of its features, are what ids are for."""
    log: list[tuple[InputLog, dict[str, Any]]] = []
    for at in range(60):
        event = {"event_id": str(at), "prediction": at / 100}
        features = {"event_id": str(at), "features": {"a": 1.0}}
        log += [
            (InputLog.FEATURES, features),
            (InputLog.PREDICTIONS, event),
            (InputLog.PREDICTIONS, event),
            (InputLog.FEATURES, features),
        ]
    assert ids_reused(log) == []


def test_a_few_corrected_events_are_not_reported() -> None:
    """Below one in a hundred, ids that come twice are not reported."""
    events = [{"event_id": str(at % 4975), "prediction": at / 1e4} for at in range(5000)]
    assert ids_reused((InputLog.PREDICTIONS, event) for event in events) == []
