"""Join incidents of one route with equal labels into one notification, as Alertmanager does.

Groups are folded from the states of incidents. A group notifies when its first incident pages, or
after its own wait, and then no more often than its interval; a notification has every incident that
is to page soon. The sinks send what the groups say.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NamedTuple

from streamproc.config.route_tree import Leaf, leaves_of
from streamproc.config.routes import Route, all_routes
from streamproc.config.sink import SinkSection
from streamproc.incidents.grouped_incident import Followed, follow, may_page, show
from streamproc.incidents.members import labels_of
from streamproc.incidents.open_group import Changes, OpenGroup
from streamproc.incidents.parts import Part, all_parts, open_parts, severity_of
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.notification_groups import (
    GROUP_KEY,
    GroupedIncident,
    NotificationGroup,
    ShownIncident,
)

MAX_INCIDENTS: Final = 200
"""Further incidents open another group with the same labels: one is looked through at once."""
_ID_BYTES: Final = 6


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
    groups, grouped, incidents
        Those of a topic `incidents` that was read again; incidents by their id. A group of a route
        that is configured no more goes on until its incidents end, and gets no new ones.
    """

    def __init__(
        self,
        routes: Sequence[Route] = (),
        sinks: Iterable[SinkSection] = (),
        groups: Iterable[NotificationGroup] = (),
        grouped: Iterable[GroupedIncident] = (),
        incidents: Mapping[str, IncidentState] | None = None,
    ) -> None:
        is_grouping = any(route.group_by is not None for _, route, _ in all_routes(routes))
        self._routes: Final = routes if is_grouping else ()
        self._sinks: Final = {each.name: each for each in sinks if each.follows_incidents}
        self._groups: dict[str, OpenGroup] = {}
        self._homes: defaultdict[str, dict[_Way, str]] = defaultdict(dict)
        found: defaultdict[str, list[Followed]] = defaultdict(list)
        for each in sorted(grouped, key=lambda one: one.number):
            incident = (incidents or {}).get(each.incident_id)
            found[each.group_id].append(Followed(each, incident))
        for record in groups:
            group = OpenGroup(record, found[record.group_id])
            self._groups[group.key] = group
            for incident_id in group.incidents:
                self._homes[incident_id][_way(record)] = group.key
        self._touched: Final = set(self._groups)
        self._planned: Final[dict[str, datetime]] = {}

    def take_due(self) -> list[tuple[datetime, str]]:
        """Return when groups change by themselves, and their keys, if that is not known yet.

        They notify then or, if they are over, are deleted.
        """
        found = []
        for key in self._touched:
            time = self._next_due(key)
            if time is not None and time != self._planned.get(key):
                found.append((time, key))
                self._planned[key] = time
        self._touched.clear()
        return found

    def get(self, key: str) -> NotificationGroup | GroupedIncident | None:
        """Return a group, or an incident of one, by its key."""
        group_key, _, incident_id = key.partition("/")
        group = self._groups.get(group_key)
        if group is None or not incident_id:
            return None if group is None else group.record
        each = group.incidents.get(incident_id)
        return None if each is None else each.record

    def follow(self, incident: IncidentState, at: datetime) -> Changes:
        """Take note of the state of an incident; return what that changes on the topic."""
        parts = open_parts(incident) if self._routes and may_page(incident) else []
        found = self._routed(incident, parts)
        homes = dict(self._homes.get(incident.incident_id, {}))
        changes: Changes = {}
        for way, key in homes.items():
            group = self._groups[key]
            before = group.incidents[incident.incident_id]
            severity = before.record.severity
            if way in found:
                severity = severity_of(incident, found[way].parts)
            changes |= self._put(group, follow(group.record, before, incident, severity), at)
        for way, routed in found.items():
            if way not in homes:
                group, opened = self._home(way, routed)
                record = GroupedIncident(
                    group_id=group.record.group_id,
                    incident_id=incident.incident_id,
                    number=group.next_number(),
                    severity=severity_of(incident, routed.parts),
                    entered=at,
                )
                changes |= opened | self._put(group, Followed(record, incident), at)
        return changes

    def forget(self, incident_id: str, at: datetime) -> Changes:
        """Take note that an incident is part of another one; return what that changes."""
        changes: Changes = {}
        for key in list(self._homes.get(incident_id, {}).values()):
            group = self._groups[key]
            before = group.incidents[incident_id]
            after = follow(group.record, before, None, before.record.severity)
            changes |= self._put(group, after, at)
        return changes

    def advance(self, key: str, time: datetime, at: datetime) -> Changes:
        """Apply what was due at a time, if it still is, now that it is `at`."""
        if time != self._next_due(key):
            return {}
        self._planned.pop(key, None)
        self._touched.add(key)
        group = self._groups[key]
        if group.due() is None:
            del self._groups[key]
            deleted: Changes = {each.record.key: None for each in group.incidents.values()}
            return {key: None} | self._let_go(group, deleted)
        return self._settle(group, at)

    def _next_due(self, key: str) -> datetime | None:
        group = self._groups.get(key)
        return None if group is None else group.due() or group.deletion()

    def _put(self, group: OpenGroup, each: Followed, at: datetime) -> Changes:
        """Put an incident into a group, which notifies if that is due then."""
        self._touched.add(group.key)
        changes = group.put(each)
        self._homes[each.record.incident_id][_way(group.record)] = group.key
        return self._let_go(group, changes) | self._settle(group, at)

    def _settle(self, group: OpenGroup, at: datetime) -> Changes:
        """Notify if that is due, and forget a group that has nothing to say."""
        changes: Changes = {}
        due = group.due()
        if due is not None and due <= at:
            news = group.notify(at, lambda each: self._describe(group, each))
            changes = self._let_go(group, news)
        if group.is_empty:
            del self._groups[group.key]
            self._planned.pop(group.key, None)
            changes[group.key] = None
        return changes

    def _let_go(self, group: OpenGroup, changes: Changes) -> Changes:
        """Forget where incidents were that are no longer in a group; return the changes."""
        for key in [key for key, value in changes.items() if value is None]:
            incident_id = key.partition("/")[2]
            homes = self._homes.get(incident_id, {})
            homes.pop(_way(group.record), None)
            if not homes:
                self._homes.pop(incident_id, None)
        return changes

    def _describe(self, group: OpenGroup, each: Followed) -> ShownIncident | None:
        """Describe an incident by what the sink hears of; as before if nothing is left of that."""
        if each.incident is None:
            known = (
                one for one in group.record.shown if one.incident_id == each.record.incident_id
            )
            return next(known, None)
        for parts in (open_parts(each.incident), all_parts(each.incident)):
            routed = self._routed(each.incident, parts).get(_way(group.record))
            if routed is not None:
                return show(each, routed.parts)
        return show(each, all_parts(each.incident))

    def _routed(self, incident: IncidentState, parts: Iterable[Part]) -> dict[_Way, "_Routed"]:
        """Return the series of an incident that each sink hears of in a group."""
        found: dict[_Way, _Routed] = {}
        for part in parts:
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

    def _home(self, way: _Way, routed: "_Routed") -> tuple[OpenGroup, Changes]:
        """Return the group that an incident joins, and what that changes if it is another one."""
        for number in count():
            name = repr((way, sorted(routed.labels.items()), number))
            group_id = hashlib.blake2b(name.encode(), digest_size=_ID_BYTES).hexdigest()
            group = self._groups.get(GROUP_KEY + group_id)
            if group is None or len(group.incidents) < MAX_INCIDENTS:
                break
        leaf = routed.leaf
        record = NotificationGroup(
            group_id=group_id,
            sink=way.sink,
            route=way.route,
            labels=routed.labels,
            interval=leaf.group_interval.total_seconds(),
            wait=_seconds(leaf.group_wait),
            repeat=_seconds(leaf.repeat_interval),
        )
        if group is None:
            group = self._groups[GROUP_KEY + group_id] = OpenGroup(record)
            return group, {group.key: record}
        return group, group.take_times(record)


class _Routed(NamedTuple):
    """The series of an incident that a sink hears of by one route, and the labels of the first."""

    leaf: Leaf
    labels: dict[str, str]
    parts: list[Part]


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _way(group: NotificationGroup) -> _Way:
    return _Way(group.sink, group.route)
