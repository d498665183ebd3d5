"""Join incidents of one route with equal labels into one notification, as Alertmanager does.

Groups are folded from the states of incidents. A group notifies when its first incident pages, or
after its own wait, and then no more often than its interval; a notification has every incident that
is to page soon. The sinks send what the groups say.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NamedTuple

from streamproc.config.route_tree import Leaf, leaves_of
from streamproc.config.routes import Route, all_routes
from streamproc.config.sink import SinkSection
from streamproc.incidents.grouped_incident import (
    end,
    enter,
    follow,
    is_firing,
    is_over,
    is_urgent,
    may_page,
    news_at,
    tell,
)
from streamproc.incidents.members import labels_of
from streamproc.incidents.parts import Part, open_parts, severity_of
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.notification_groups import GROUP_KEY, GroupedIncident, NotificationGroup
from streamproc.schemas.timestamps import EPOCH

RETAIN_GROUPS: Final = timedelta(days=30)
MAX_INCIDENTS: Final = 200
"""Further incidents open another group with the same labels: a record has a maximum size."""
_ID_BYTES: Final = 6

Changes = Mapping[str, NotificationGroup | None]
"""Groups that have changed, by their key of the topic `incidents`; None: it is deleted."""


class _Way(NamedTuple):
    """A sink, and the route by which incidents reach it in groups."""

    sink: str
    route: str


class NotificationGroups:
    """The groups of all sinks that follow incidents.

    Parameters
    ----------
    routes, sinks
        Those of the configuration.
    groups
        Those of a topic `incidents` that was read again. A group of a route that is configured no
        more goes on until its incidents end, and gets no new ones.
    """

    def __init__(
        self,
        routes: Sequence[Route] = (),
        sinks: Iterable[SinkSection] = (),
        groups: Iterable[NotificationGroup] = (),
    ) -> None:
        is_grouping = any(route.group_by is not None for _, route, _ in all_routes(routes))
        self._routes: Final = routes if is_grouping else ()
        self._sinks: Final = {each.name: each for each in sinks if each.follows_incidents}
        self._groups: dict[str, NotificationGroup] = {}
        self._homes: defaultdict[str, dict[_Way, str]] = defaultdict(dict)
        for group in groups:
            self._put(GROUP_KEY + group.group_id, group)

    def due(self) -> Iterator[tuple[datetime, str]]:
        """Yield when each group changes by itself, and its key."""
        for key in self._groups:
            time = self.next_due(key)
            if time is not None:
                yield time, key

    def next_due(self, key: str) -> datetime | None:
        """Return when a group notifies or, if it is over, is deleted; None: neither is due."""
        group = self._groups.get(key)
        return None if group is None else _due(group) or _deletion(group)

    def get(self, key: str) -> NotificationGroup | None:
        """Return a group by its key."""
        return self._groups.get(key)

    def follow(self, incident: IncidentState, at: datetime) -> Changes:
        """Take note of the state of an incident; return the groups that it changes."""
        found = self._routed(incident) if self._routes and may_page(incident) else {}
        homes = self._homes.get(incident.incident_id, {})
        after: dict[str, NotificationGroup | None] = {}
        for way, key in homes.items():
            parts = found[way].parts if way in found else ()
            before = self._groups[key]
            after[key] = _with(
                before,
                [
                    follow(before, one, incident, parts, at)
                    if one.incident_id == incident.incident_id
                    else one
                    for one in before.incidents
                ],
            )
        for way, routed in found.items():
            if way not in homes:
                key, group = self._home(way, routed)
                new = enter(group, incident, routed.parts, at)
                after[key] = _with(group, [*group.incidents, new])
        return self._change(after, at)

    def forget(self, incident_id: str, at: datetime) -> Changes:
        """Take note that an incident is part of another one; return the groups that changes."""
        keys = self._homes.get(incident_id, {}).values()
        after = {}
        for key in keys:
            before = self._groups[key]
            after[key] = _with(
                before,
                [end(one) if one.incident_id == incident_id else one for one in before.incidents],
            )
        return self._change(after, at)

    def advance(self, key: str, at: datetime) -> Changes:
        """Apply what was due by now."""
        time = self.next_due(key)
        if time is None or time > at:
            return {}
        group = self._groups[key]
        return self._change({key: group if _due(group) else None}, at)

    def _routed(self, incident: IncidentState) -> dict[_Way, "_Routed"]:
        """Return the series of an incident that each sink hears of in a group."""
        found: dict[_Way, _Routed] = {}
        for part in open_parts(incident):
            severity = severity_of(incident, [part])
            labels = labels_of(*part) | {"severity": severity}
            for leaf in leaves_of(self._routes, labels) or ():
                if leaf.group_by is None:
                    continue
                for sink in dict.fromkeys(leaf.sinks):
                    section = self._sinks.get(sink)
                    if section is not None and section.asks_for(part.member.model_id, severity):
                        values = {str(label): labels[label] for label in leaf.group_by}
                        way = _Way(sink, leaf.conditions)
                        found.setdefault(way, _Routed(leaf, values, [])).parts.append(part)
        return found

    def _home(self, way: _Way, routed: "_Routed") -> tuple[str, NotificationGroup]:
        """Return the group that an incident joins, which may be new."""
        for number in count():
            name = repr((way, sorted(routed.labels.items()), number))
            group_id = hashlib.blake2b(name.encode(), digest_size=_ID_BYTES).hexdigest()
            group = self._groups.get(GROUP_KEY + group_id) or NotificationGroup(
                group_id=group_id,
                sink=way.sink,
                route=way.route,
                labels=routed.labels,
                interval=0.0,
            )
            if len(group.incidents) < MAX_INCIDENTS:
                break
        leaf = routed.leaf
        times = {
            "interval": leaf.group_interval.total_seconds(),
            "wait": _seconds(leaf.group_wait),
            "repeat": _seconds(leaf.repeat_interval),
        }
        return GROUP_KEY + group_id, group.model_copy(update=times)

    def _change(self, after: Changes, at: datetime) -> Changes:
        """Store groups, notified where that is due; return those that have changed."""
        changed: dict[str, NotificationGroup | None] = {}
        for key, new in after.items():
            group = None if new is None else _at(new, at)
            if group != self._groups.get(key):
                changed[key] = group
                self._put(key, group)
        return changed

    def _put(self, key: str, group: NotificationGroup | None) -> None:
        before = self._groups.pop(key, None)
        known = _ids(before)
        found = _ids(group)
        if before is not None:
            way = _way(before)
            for incident_id in known - found:
                del self._homes[incident_id][way]
                if not self._homes[incident_id]:
                    del self._homes[incident_id]
        if group is not None:
            self._groups[key] = group
            way = _way(group)
            for incident_id in found - known:
                self._homes[incident_id][way] = key


class _Routed(NamedTuple):
    """The series of an incident that a sink hears of by one route, and the labels of the first."""

    leaf: Leaf
    labels: dict[str, str]
    parts: list[Part]


def _due(group: NotificationGroup) -> datetime | None:
    """Return when a group notifies; None: there is nothing to say."""
    news = [(time, one) for one in group.incidents if (time := news_at(group, one)) is not None]
    if any(is_urgent(one) for _, one in news):
        return EPOCH
    again = _repetition(group)
    if not news:
        return again
    first = min(time for time, _ in news)
    if group.notified is None or group.status == "resolved":
        return first
    next_one = max(first, group.notified + timedelta(seconds=group.interval))
    return next_one if again is None else min(next_one, again)


def _repetition(group: NotificationGroup) -> datetime | None:
    """Return when a group notifies again although nothing is new; None: it does not by itself."""
    if group.repeat is None or group.notified is None or group.status != "firing":
        return None
    if not any(map(is_firing, group.incidents)):
        return None
    return group.notified + timedelta(seconds=max(group.repeat, group.interval))


def _deletion(group: NotificationGroup) -> datetime | None:
    if group.notified is None or group.status != "resolved":
        return None
    return group.notified + RETAIN_GROUPS


def _at(group: NotificationGroup, at: datetime) -> NotificationGroup | None:
    """Return a group at a time, notified if that is due; None: it never had anything to say."""
    left = [one for one in group.incidents if one.notice is not None or one.status != "resolved"]
    group = _with(group, left)
    due = _due(group)
    if due is not None and due <= at:
        return _notified(group, at)
    return group if left or group.notified is not None else None


def _notified(group: NotificationGroup, at: datetime) -> NotificationGroup:
    incidents = [tell(one, at) for one in group.incidents if not is_over(one)]
    states = {one.notice.status for one in incidents if one.notice is not None} - {"resolved"}
    status = (
        "resolved" if not states else "acknowledged" if states == {"acknowledged"} else "firing"
    )
    return _with(group, incidents).model_copy(update={"notified": at, "status": status})


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _with(group: NotificationGroup, incidents: Sequence[GroupedIncident]) -> NotificationGroup:
    return group.model_copy(update={"incidents": tuple(incidents)})


def _ids(group: NotificationGroup | None) -> set[str]:
    return set() if group is None else {one.incident_id for one in group.incidents}


def _way(group: NotificationGroup) -> _Way:
    return _Way(group.sink, group.route)
