"""Which incidents a notification of a group is about."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamproc.incidents.grouped_incident import Followed
from streamproc.incidents.heard_incidents import HeardIncidents
from streamproc.incidents.members import rank
from streamproc.schemas.notification_groups import GroupedIncident, Notice

AT = datetime(2026, 1, 5, tzinfo=UTC)
SEVERITIES, STATUSES = ("info", "warning", "critical"), ("firing", "acknowledged", "resolved")


def followed(number: int, severity: Any, status: Any) -> Followed:
    """Return an incident of a group; without a status the sink has not heard of it."""
    notice = status and Notice(at=AT, status=status, severity=severity, pending=False)
    about = {"group_id": "g", "incident_id": f"i{number}", "number": number, "entered": AT}
    return Followed(GroupedIncident(**about, severity=severity, notice=notice), None)


STEPS = st.tuples(
    st.integers(0, 7),
    st.sampled_from(SEVERITIES),
    st.sampled_from([*STATUSES, None]),
    st.booleans(),
)


@given(steps=st.lists(STEPS, max_size=40))
def test_it_is_as_if_all_incidents_were_looked_through(steps: list[Any]) -> None:
    """After any changes the same ones come first, have ended, and are counted."""
    heard, known = HeardIncidents(), dict[str, Followed]()
    for number, severity, status, is_removed in steps:
        each = followed(number, severity, status)
        if is_removed:
            heard.remove(each.record.incident_id)
            known.pop(each.record.incident_id, None)
        else:
            heard.put(each)
            known[each.record.incident_id] = each
    noticed = [each for each in known.values() if each.notice is not None]
    left = [each for each in noticed if each.notice and each.notice.status != "resolved"]
    ended = [each for each in noticed if each not in left]

    def ids(some: list[Followed], *, by_severity: bool) -> list[str]:
        ordered = sorted(some, key=lambda each: each.record.number)
        if by_severity:
            ordered.sort(key=lambda each: -rank(each.record.severity))
        return [each.record.incident_id for each in ordered]

    assert heard.first(5) == ids(left or ended, by_severity=True)[:5]
    assert heard.ended() == ids(ended, by_severity=False)
    assert heard.counts == (len(left), len(ended))
    assert heard.statuses == {each.notice.status for each in left if each.notice}
