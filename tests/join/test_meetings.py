"""Which labels without an event are worth an alert."""

from streamproc.join.meetings import Meeting
from streamproc.join.placement import Topics, apart, suspicious

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
