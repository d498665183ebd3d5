"""All incidents and silences, folded from the ordered log of alerts, commands and ticks.

The state after an entry depends on the entries before it only: on neither the wall clock nor how
the log was split into batches. Times are those of the log's records, which the broker sets.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final

from streamproc.config.escalate import EscalationRule
from streamproc.config.inhibit import InhibitRule
from streamproc.config.maintenance import MaintenanceWindow
from streamproc.incidents.commands import (
    apply_to_incident,
    remove_silence,
    set_silence,
    silence_id_of,
)
from streamproc.incidents.deployments import DeploymentChanges, Deployments, forgotten_at
from streamproc.incidents.entries import CommandEntry, Entry
from streamproc.incidents.escalation import Escalation
from streamproc.incidents.incident import (
    add_cause,
    advance,
    age_of,
    dispensability,
    due,
    edit,
    find_member,
    is_full,
    is_movable,
    open_incident,
    record_alert,
    schedule_page,
    shares_cause,
    tie,
)
from streamproc.incidents.inhibition import Inhibition
from streamproc.incidents.maintenance import MAINTENANCE, is_outdated, occurrence
from streamproc.incidents.members import apply_alert, new_member
from streamproc.incidents.next_versions import note_version
from streamproc.incidents.notification_groups import NotificationGroups
from streamproc.incidents.open_group import Changes
from streamproc.incidents.repeats import repeat, repeat_due
from streamproc.incidents.silencing import cover_member, cover_with, silence_at, silence_due
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.deployments import (
    DEPLOYMENT_KEY,
    AnnounceDeployment,
    Deployment,
    VersionSighting,
)
from streamproc.schemas.incident_commands import RemoveSilence, SetSilence
from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member
from streamproc.schemas.notification_groups import (
    GROUP_KEY,
    GroupedIncident,
    NotificationGroup,
)
from streamproc.schemas.silences import SILENCE_KEY, Silence

RETAIN_INCIDENTS: Final = timedelta(days=30)
# About 7 kB each in memory.
MAX_INCIDENTS: Final = 20_000
START: Final = datetime(1970, 1, 1, tzinfo=UTC)

PLAN: Final = "plan"
"""Key under which it is due to follow a changed configuration."""

Change = IncidentState | Silence | NotificationGroup | GroupedIncident | Deployment | None
"""The new state of a key of the topic `incidents`; None: it is deleted."""


class IncidentBook:
    """The incidents and silences after a prefix of the log.

    Parameters
    ----------
    group_wait
        How long a page waits for incidents of other models; critical ones do not wait.
    incidents, silences
        Those of a topic `incidents` that was read again.
    now
        Time of the last entry that was applied to them.
    windows
        Maintenance windows; the first entry brings their silences up to date.
    rules
        By which incidents hide others; the first entry brings their marks up to date.
    escalation
        By which incidents become more severe.
    repeat_interval
        How long after its last page an incident that is still firing pages again; None: never.
    groups
        Those in which sinks hear of incidents; None: there are none.
    deployments
        Versions of models that began to answer; None: incidents are tied to none.
    """

    def __init__(  # noqa: PLR0913 - what a topic has, and one argument for each kind of rule
        self,
        group_wait: timedelta,
        incidents: Iterable[IncidentState] = (),
        silences: Iterable[Silence] = (),
        now: datetime = START,
        windows: Iterable[MaintenanceWindow] = (),
        rules: Sequence[InhibitRule] = (),
        escalation: Sequence[EscalationRule] = (),
        repeat_interval: timedelta | None = None,
        *,
        groups: NotificationGroups | None = None,
        deployments: Deployments | None = None,
    ) -> None:
        self._wait: Final = group_wait
        self._windows: Final = {MAINTENANCE + window.name: window for window in windows}
        self._inhibition: Final = Inhibition(rules)
        self._escalation: Final = Escalation(escalation)
        self._repeat: Final = repeat_interval
        self._groups: Final = groups or NotificationGroups()
        self._deployments: Final = deployments or Deployments()
        self.now = now
        self.incidents: dict[str, IncidentState] = {}
        self.silences: dict[str, Silence] = {}
        self._of_member: dict[str, str] = {}
        self._by_cause: dict[tuple[str, str], set[str]] = {}
        self._due: list[tuple[datetime, str]] = []
        self._changes: dict[str, Change] = {}
        for silence in silences:
            self._put_silence(silence)
        for incident in incidents:
            self._put(incident)
        for due_time in (*self._groups.take_due(), *self._deployments.due()):
            heappush(self._due, due_time)
        self._changes.clear()
        missing = self._windows.keys() - self.silences.keys()
        if missing or self._outdated_silences() or self._outdated_marks():
            heappush(self._due, (now, PLAN))

    def apply(self, entry: Entry | None, at: datetime) -> None:
        """Apply the next entry of the log; None: one that cannot be read.

        Parameters
        ----------
        entry
            The entry.
        at
            Timestamp of its record. Time does not run backwards: an earlier one counts as `now`.
        """
        self.now = max(self.now, at)
        self._advance()
        if isinstance(entry, AlertEvent):
            self._alert(entry)
        elif isinstance(entry, CommandEntry):
            self._command(entry)
        elif isinstance(entry, VersionSighting):
            self._put_deployments(self._deployments.sight(entry, self.now))

    def take_changes(self) -> Mapping[str, Change]:
        """Return what has changed since the last call, by key of the topic `incidents`."""
        changes, self._changes = self._changes, {}
        return changes

    def rewrite(self, keys: Iterable[str]) -> None:
        """Count keys of the topic as changed: their last record is not the one that counts."""
        for key in keys:
            silence = self.silences.get(key.removeprefix(SILENCE_KEY))
            group = self._groups.get(key) or self._deployments.get(key)
            self._changes[key] = self.incidents.get(key) or silence or group

    def next_due(self) -> datetime | None:
        """Return when something changes by itself; a tick has to be logged then."""
        return self._due[0][0] if self._due else None

    def find(self, incident_id: str) -> IncidentState | None:
        """Return an incident by its id, or by that of one of its members."""
        return self.incidents.get(self._of_member.get(incident_id, incident_id))

    def _alert(self, alert: AlertEvent) -> None:
        if alert.status not in {"firing", "updated", "settled", "resolved"}:
            return  # a pending one pages nobody, and fires once it is confirmed
        before = self.find(alert.incident_id)
        member = before and find_member(before, alert.incident_id)
        change = apply_alert(member or new_member(alert), alert)
        if change.stale:
            return
        series = next(each for each in change.member.series if each.alert_ids[-1] == alert.alert_id)
        home = self._home(before, change.member, series) if change.fired else before
        if before is not None and home is not before and home is not None:
            self._delete(before.incident_id)
        incident = home or open_incident(alert, self.now)
        known = incident if incident.members else None
        incident = record_alert(incident, alert, change, self.now)
        for each in change.member.series:  # a member that moved brings all of its causes
            incident = add_cause(incident, each)
            release = self._deployments.cause_of(change.member, each)
            incident = tie(incident, change.member, release)
        if change.fired or change.escalated:  # else silences match as before
            incident = cover_member(incident, alert.incident_id, self.silences.values())
        self._update(schedule_page(incident, known, self.now, self._wait))

    def _home(
        self, before: IncidentState | None, member: Member, series: ChangedSeries
    ) -> IncidentState | None:
        """Return the incident that a change belongs to; None: it opens one.

        A member whose incident nobody has heard of yet moves to one that shares the new cause.
        """
        if before is not None and not is_movable(before):
            return before
        ids = self._by_cause.get((series.series, series.direction), ())
        others = [
            other for other in map(self.incidents.__getitem__, ids) if shares_cause(other, series)
        ]
        release = self._deployments.cause_of(member, series)
        if release is not None:
            ids = self._by_cause.get((release.series, release.direction), ())
            others += map(self.incidents.__getitem__, ids)
        others = [other for other in others if other is not before and not is_full(other)]
        return min(others, key=age_of, default=before)

    def _command(self, command: CommandEntry) -> None:
        payload = command.payload
        if isinstance(payload, SetSilence):
            known = self.silences.get(payload.silence_id or silence_id_of(command.id))
            self._change_silence(set_silence(known, command, payload, self.now))
        elif isinstance(payload, RemoveSilence):
            found = self.silences.get(payload.silence_id)
            self._change_silence(found and remove_silence(found, command, self.now))
        elif isinstance(payload, AnnounceDeployment):
            self._put_deployments(self._deployments.announce(command, payload, self.now))
        else:
            incident = self.find(str(getattr(payload, "incident_id", "")))
            if incident is not None:
                after = apply_to_incident(incident, command, self.now)
                if after is not incident:
                    self._update(after)

    def _change_silence(self, silence: Silence | None) -> None:
        if silence is None:
            return
        silence = silence_at(silence, self.now)
        self._put_silence(silence)
        for incident in list(self.incidents.values()):
            covered = cover_with(incident, silence) if incident.open else incident
            if covered is not incident:
                self._update(covered)

    def _advance(self) -> None:
        """Apply what was due by now."""
        while self._due and self._due[0][0] <= self.now:
            time, key = heappop(self._due)
            # A time that holds no more must not bring a key before others: a restart forgets it.
            if key == PLAN:
                self._plan()
            elif key.startswith(SILENCE_KEY):
                self._advance_silence(key.removeprefix(SILENCE_KEY), time)
            elif key.startswith(GROUP_KEY):
                self._put_groups(self._groups.advance(key, time, self.now))
            elif key.startswith(DEPLOYMENT_KEY):
                self._put_deployments(self._deployments.forget(key, self.now))
            elif key in self.incidents and time in self._times(self.incidents[key]):
                self._advance_incident(self.incidents[key])

    def _advance_silence(self, silence_id: str, time: datetime) -> None:
        silence, window = self.silences.get(silence_id), self._windows.get(silence_id)
        if silence is None or time not in {silence_due(silence), silence.end}:
            return
        if window is not None and silence.end <= self.now:
            self._change_silence(silence_at(silence, self.now))  # it covers nothing any more
            self._change_silence(occurrence(window, self.now))
            return
        if silence_due(silence) > self.now:
            return
        after = silence_at(silence, self.now)
        if after is not silence:
            self._change_silence(after)
        else:
            del self.silences[silence_id]
            self._changes[SILENCE_KEY + silence_id] = None

    def _outdated_silences(self) -> list[Silence]:
        """Return the silences of windows that are not configured any more, or in another way."""
        return [
            each
            for key, each in self.silences.items()
            if key.startswith(MAINTENANCE) and is_outdated(each, self._windows.get(key))
        ]

    def _plan(self) -> None:
        """Bring silences of maintenance windows and marks up to date with the configuration."""
        for silence in self._outdated_silences():
            self._change_silence(silence.model_copy(update={"status": "removed"}))
            del self.silences[silence.silence_id]
            self._changes[SILENCE_KEY + silence.silence_id] = None
        for key in self._windows.keys() - self.silences.keys():
            self._change_silence(occurrence(self._windows[key], self.now))
        self._mark(self._outdated_marks())

    def _advance_incident(self, incident: IncidentState) -> None:
        if incident.ended is not None and incident.ended + RETAIN_INCIDENTS <= self.now:
            self._delete(incident.incident_id)
            return
        after = self._at_now(incident)
        if after != incident:
            self._update(after)
        else:
            self._mark(self._inhibition.follow(incident, self.now))

    def _update(self, incident: IncidentState) -> None:
        marked = self._inhibition.mark(incident)
        incident = edit(self._at_now(marked), updated=self.now)
        reached = self._put(incident)
        self._put_groups(self._groups.follow(incident, self.now))
        self._mark(reached)
        if len(self.incidents) > MAX_INCIDENTS:
            self._delete(min(self.incidents.values(), key=dispensability).incident_id)

    def _at_now(self, incident: IncidentState) -> IncidentState:
        """Return an incident after what was due by now."""
        incident = advance(incident, self.now)
        after = self._escalation.apply(incident, self.now)
        if after is incident:
            after = repeat(incident, self._repeat, self.now)
        return incident if after is incident else advance(after, self.now)

    def _mark(self, keys: Iterable[str]) -> None:
        """Bring the marks of incidents up to date: what hid them has changed."""
        for key in sorted(keys):
            incident = self.incidents.get(key)
            if incident is not None and self._inhibition.mark(incident) is not incident:
                self._update(incident)

    def _outdated_marks(self) -> set[str]:
        """Return the incidents that the rules hide in another way than those of before."""
        return {
            key for key, each in self.incidents.items() if self._inhibition.mark(each) is not each
        }

    def _put(self, incident: IncidentState) -> set[str]:
        """Store an incident; return the incidents that it may begin or cease to hide."""
        key = incident.incident_id
        self.incidents[key] = self._changes[key] = incident
        for member in incident.members:
            self._of_member[member.incident_id] = key
        for cause in incident.causes:
            causes = self._by_cause.setdefault((cause.series, cause.direction), set())
            (causes.add if incident.open else causes.discard)(key)
        reached = self._inhibition.follow(incident, self.now)
        for time in self._times(incident):
            heappush(self._due, (time, key))
        return reached

    def _times(self, incident: IncidentState) -> set[datetime]:
        """Return when an incident changes by itself."""
        ends = None if incident.ended is None else incident.ended + RETAIN_INCIDENTS
        rises, again = self._escalation.due(incident), repeat_due(incident, self._repeat)
        times = due(incident), ends, rises, again, self._inhibition.due(incident)
        return {time for time in times if time is not None}

    def _put_silence(self, silence: Silence) -> None:
        key = SILENCE_KEY + silence.silence_id
        self.silences[silence.silence_id] = self._changes[key] = silence
        heappush(self._due, (silence_due(silence), key))
        if silence.silence_id in self._windows:  # its next occurrence, also if this one is removed
            heappush(self._due, (silence.end, key))

    def _delete(self, key: str) -> None:
        incident = self.incidents.pop(key)
        self._changes[key] = None
        for member in incident.members:
            if self._of_member.get(member.incident_id) == key:
                del self._of_member[member.incident_id]
        for cause in incident.causes:
            self._by_cause.get((cause.series, cause.direction), set()).discard(key)
        self._mark(self._inhibition.forget(key))
        self._put_groups(self._groups.forget(key, self.now))

    def _put_groups(self, changes: Changes) -> None:
        self._changes |= changes
        for due_time in self._groups.take_due():
            heappush(self._due, due_time)

    def _put_deployments(self, changes: DeploymentChanges) -> None:
        self._changes |= changes
        for key, each in changes.items():
            if each is None:
                continue
            heappush(self._due, (forgotten_at(each), key))
            for incident in list(self.incidents.values()):
                after = note_version(incident, each, self.now)
                if after is not incident:
                    self._update(after)
