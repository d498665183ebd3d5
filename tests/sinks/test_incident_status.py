"""Follow the open series of incidents."""

from alert_factory import alert
from hypothesis import given
from hypothesis import strategies as st

from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.incident_status import IncidentStatus

SERIES = ("feature:a", "feature:b", "prediction")


def step(number: int, series: str, status: str) -> AlertEvent:
    """Return an alert of one incident."""
    return alert(f"{number}", incident_id="i", series=series, status=status)


STEPS = st.lists(
    st.tuples(st.sampled_from(SERIES), st.sampled_from(("firing", "updated", "resolved"))),
    max_size=12,
)


@given(STEPS)
def test_an_incident_is_resolved_when_nothing_of_it_is_open(steps: list[tuple[str, str]]) -> None:
    """Whatever the order, `resolved` is passed on if and only if no other series is open."""
    status, still_open = IncidentStatus(), set[str]()
    for number, (series, given_status) in enumerate(steps):
        (still_open.discard if given_status == "resolved" else still_open.add)(series)
        found = status.apply(step(number, series, given_status)).status
        is_over = given_status == "resolved" and not still_open
        assert (found == "resolved") == is_over


@given(STEPS)
def test_a_retry_changes_nothing(steps: list[tuple[str, str]]) -> None:
    """An alert that is rendered again has the same status."""
    once, twice = IncidentStatus(), IncidentStatus()
    for number, (series, given_status) in enumerate(steps):
        one = step(number, series, given_status)
        twice.apply(one)
        assert twice.apply(one) == once.apply(one)


def test_an_acknowledgement_keeps_no_incident_open() -> None:
    """A person's answer to an incident is not a series of it."""
    status = IncidentStatus()
    status.apply(step(0, "feature:a", "firing"))
    assert status.apply(step(1, "incident", "acknowledged")).status == "acknowledged"
    assert status.apply(step(2, "feature:a", "resolved")).status == "resolved"


def test_each_segment_is_a_series() -> None:
    """The same feature in two segments counts as two series."""
    status = IncidentStatus()
    regions = [{"region": region} for region in ("eu", "us")]
    for region in regions:
        status.apply(alert(str(region), incident_id="i", segment=region))
    ends = [
        status.apply(alert(f"end {region}", incident_id="i", segment=region, status="resolved"))
        for region in regions
    ]
    assert [end.status for end in ends] == ["updated", "resolved"]


def test_a_settled_incident_is_not_over() -> None:
    """While one series goes on it is updated; settled once all are quiet, resolved once all end."""
    status = IncidentStatus()
    steps = [
        *(("feature:a", "firing", "firing"), ("feature:b", "firing", "firing")),
        *(("feature:a", "settled", "updated"), ("feature:b", "settled", "settled")),
        *(("feature:a", "resolved", "settled"), ("feature:b", "updated", "updated")),
        ("feature:b", "resolved", "resolved"),
    ]
    for number, (series, given_status, expected) in enumerate(steps):
        assert status.apply(step(number, series, given_status)).status == expected
