"""A notification group with its incidents: what is new, and what its next notification says."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from streamproc.incidents.grouped_incident import (
    Followed,
    is_dropped,
    is_firing,
    is_urgent,
    news_at,
    tell,
)
from streamproc.incidents.heard_incidents import HeardIncidents
from streamproc.schemas.incidents import IncidentState, IncidentStatus
from streamproc.schemas.notification_groups import (
    GROUP_KEY,
    GroupedIncident,
    NotificationGroup,
    ShownIncident,
)
from streamproc.schemas.timestamps import EPOCH

SHOWN_INCIDENTS: Final = 5
RETAIN_GROUPS: Final = timedelta(days=30)

Changes = dict[str, NotificationGroup | GroupedIncident | None]
"""Groups and incidents of groups that have changed, by their key; None: it is deleted."""
Describe = Callable[[Followed], ShownIncident | None]


class OpenGroup:
    """A group and its incidents.

    What is new is kept up to date incident by incident: a change of one does not look at others.

    Parameters
    ----------
    record
        The group as the topic has it.
    incidents
        Those of the topic.
    """

    def __init__(self, record: NotificationGroup, incidents: Iterable[Followed] = ()) -> None:
        self.record = record
        self.incidents: Final[dict[str, Followed]] = {}
        self._news: Final[dict[str, datetime]] = {}
        self._urgent: Final[set[str]] = set()
        self._firing: Final[set[str]] = set()
        self._changed: Final[dict[str, None]] = {}  # since the last notification
        self._heard: Final = HeardIncidents()
        self._shown: dict[str, tuple[IncidentState | None, ShownIncident | None]] = {}
        for each in incidents:
            self._put(each)

    @property
    def key(self) -> str:
        """Return its key of the topic."""
        return GROUP_KEY + self.record.group_id

    @property
    def is_empty(self) -> bool:
        """Whether it has no incidents, and never had anything to say."""
        return not self.incidents and self.record.notified is None

    def next_number(self) -> int:
        """Return the number of the next incident that joins."""
        last = next(reversed(self.incidents.values()), None)
        return 0 if last is None else last.record.number + 1

    def take_times(self, other: NotificationGroup) -> Changes:
        """Take over the times of the route as configured now; return what that changes."""
        times = {"interval": other.interval, "wait": other.wait, "repeat": other.repeat}
        record = self.record.model_copy(update=times)
        if record == self.record:
            return {}
        self.record = record
        for each in list(self.incidents.values()):
            self._put(each)
        return {self.key: record}

    def put(self, each: Followed) -> Changes:
        """Add an incident, or a later state of it; return what changes on the topic."""
        incident_id = each.record.incident_id
        before = self.incidents.get(incident_id)
        if is_dropped(each):
            self._remove(incident_id)
            return {} if before is None else {each.record.key: None}
        self._put(each)
        return {} if before and before.record == each.record else {each.record.key: each.record}

    def due(self) -> datetime | None:
        """Return when it notifies; None: there is nothing to say."""
        if self._urgent:
            return EPOCH
        again = self._repetition()
        if not self._news:
            return again
        first, notified = min(self._news.values()), self.record.notified
        if notified is None or self.record.status == "resolved":
            return first
        first = max(first, notified + timedelta(seconds=self.record.interval))
        return first if again is None else min(first, again)

    def deletion(self) -> datetime | None:
        """Return when it is deleted; None: its incidents have not ended."""
        if self.record.notified is None or self.record.status != "resolved":
            return None
        return self.record.notified + RETAIN_GROUPS

    def notify(self, at: datetime, describe: Describe) -> Changes:
        """Tell the sink of its incidents; return what changes on the topic."""
        changes: Changes = {}
        for incident_id in list(self._changed):
            each = self.incidents[incident_id]
            after = tell(self.record, each, at)
            if after is not each:
                self._put(after)
                changes[after.record.key] = after.record
        self._changed.clear()
        first = [self.incidents[each] for each in self._heard.first(SHOWN_INCIDENTS)]
        self._shown = {
            each.record.incident_id: (each.incident, self._show(each, describe)) for each in first
        }
        shown = [one for _, one in self._shown.values() if one is not None]
        left, resolved = self._heard.counts
        self.record = self.record.model_copy(
            update={
                "notified": at,
                "status": _status(self._heard.statuses),
                "severity": first[0].record.severity if first else self.record.severity,
                "open": left,
                "resolved": resolved,
                "shown": tuple(shown) or self.record.shown,
            }
        )
        for incident_id in self._heard.ended():
            changes[self.incidents[incident_id].record.key] = None
            self._remove(incident_id)
        return {**changes, self.key: self.record}

    def _show(self, each: Followed, describe: Describe) -> ShownIncident | None:
        """Describe an incident; one that has not changed is as in the notification before."""
        incident, shown = self._shown.get(each.record.incident_id, (None, None))
        return shown if incident is not None and incident is each.incident else describe(each)

    def _put(self, each: Followed) -> None:
        incident_id = each.record.incident_id
        self.incidents[incident_id] = each
        self._changed[incident_id] = None
        self._heard.put(each)
        news = news_at(self.record, each)
        if news is None:
            self._news.pop(incident_id, None)
        else:
            self._news[incident_id] = news
        is_new = news is not None
        (self._urgent.add if is_new and is_urgent(each) else self._urgent.discard)(incident_id)
        (self._firing.add if is_firing(each) else self._firing.discard)(incident_id)

    def _remove(self, incident_id: str) -> None:
        self.incidents.pop(incident_id, None)
        self._news.pop(incident_id, None)
        self._changed.pop(incident_id, None)
        self._heard.remove(incident_id)
        self._urgent.discard(incident_id)
        self._firing.discard(incident_id)

    def _repetition(self) -> datetime | None:
        """Return when it notifies again although nothing is new; None: it does not by itself."""
        record = self.record
        if record.repeat is None or record.notified is None or not self._firing:
            return None
        if record.status != "firing":
            return None
        return record.notified + timedelta(seconds=max(record.repeat, record.interval))


def _status(
    states: set[IncidentStatus],
) -> Literal["firing", "acknowledged", "resolved"]:
    if not states:
        return "resolved"
    return "acknowledged" if states == {"acknowledged"} else "firing"
