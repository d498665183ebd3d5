"""Which incident the change of a segment, or of its model's same series, belongs to."""

import pytest
from alert_factory import alert

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.segment_series import SegmentSeries

ALL = "feature:amount"
EUROPE = SegmentSeries("region", "eu", ALL).key
AGE_IN_EUROPE = SegmentSeries("region", "eu", "feature:age").key


def fired(groups: IncidentGrouper, series: str, began: int, alarmed: int) -> AlertEvent:
    """Publish the first alert of a series, whose change began at an offset."""
    given = alert(
        f"{series}@{alarmed}",
        change_point={"ts": "2026-01-05T09:58:00Z", "offset": began},
        source={"topic": "predictions", "partition": 0, "offset": alarmed},
    )
    published = groups.assign(PendingAlert(alarmed, series, given, "fraud", 1.0))
    assert published is not None
    return published


@pytest.mark.parametrize(("first", "second"), [(ALL, EUROPE), (EUROPE, ALL)])
def test_a_change_that_seems_to_be_a_little_later_is_the_same(first: str, second: str) -> None:
    """The slower of a segment and its model knows less well when the change began."""
    groups = IncidentGrouper()
    one = fired(groups, first, 1000, 1040)

    other = fired(groups, second, 1300, 1900)

    assert other.incident_id == one.incident_id


@pytest.mark.parametrize(("first", "second"), [(ALL, EUROPE), (EUROPE, ALL)])
def test_a_change_that_is_clearly_later_is_another(first: str, second: str) -> None:
    """What is found as soon as it has begun, long after the first alert, is news."""
    groups = IncidentGrouper()
    one = fired(groups, first, 1000, 1040)

    other = fired(groups, second, 1850, 1900)

    assert other.incident_id != one.incident_id


def test_another_feature_of_a_segment_is_compared_by_its_beginning_alone() -> None:
    """A later change of another feature is not part of the incident, be it in a segment or not."""
    groups = IncidentGrouper()
    one = fired(groups, ALL, 1000, 1040)

    other = fired(groups, AGE_IN_EUROPE, 1300, 1900)

    assert other.incident_id != one.incident_id
