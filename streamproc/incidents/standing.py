"""Tell sinks where an alert stands: its incident, and whether it is silenced or acknowledged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from pydantic import ValidationError

from streamproc.incidents.members import name_of, rank
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.schemas.deployments import DEPLOYMENT_KEY
from streamproc.schemas.incidents import IncidentStatus
from streamproc.schemas.notification_groups import GROUP_KEY
from streamproc.schemas.silences import SILENCE_KEY, Silence, Subject


class Standing(NamedTuple):
    """Where an alert stands.

    Attributes
    ----------
    incident_id
        Its incident across models: equal for alerts with one cause. None while it is unknown.
    status
        Status of that incident; None while it is unknown.
    accepted
        Whether it has been accepted.
    severity
        Its severity; None while it is unknown.
    acknowledged_by
        Who works on it.
    silences
        Ids of the silences that cover the alert now.
    inhibited_by
        Ids of the open incidents that hide its series.
    """

    incident_id: str | None = None
    status: IncidentStatus | None = None
    accepted: bool = False
    severity: Severity | None = None
    acknowledged_by: str | None = None
    silences: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()

    def muted(self, alert: AlertEvent) -> str | None:
        """Return why a sink must not send an alert; None if it may.

        An end is always sent: a sink may have sent the beginning before the silence was set, and
        its receiver would stay open.
        """
        if self.silences and alert.status != "resolved":
            return f"silenced by {', '.join(self.silences)}"
        if self.inhibited_by and alert.status != "resolved":
            return f"inhibited by incident {', '.join(self.inhibited_by)}"
        if self.accepted and alert.status in {"updated", "settled"}:
            return None if _is_worse(alert.severity, self.severity) else "accepted"
        return None


def _is_worse(severity: Severity, known: Severity | None) -> bool:
    return known is not None and rank(severity) > rank(known)


class _Named(msgspec.Struct):
    by: str


class _Series(msgspec.Struct):
    series: str
    segment: dict[str, str] | None = None
    inhibited_by: tuple[str, ...] = ()


class _Member(msgspec.Struct):
    incident_id: str
    series: list[_Series] = []

    def inhibited_by(self, series: str, segment: dict[str, str] | None) -> tuple[str, ...]:
        same = (each for each in self.series if (each.series, each.segment) == (series, segment))
        return next((each.inhibited_by for each in same), ())


class _Incident(msgspec.Struct):
    """What `Standing` needs of an incident: 10,000 whole ones would take 70 MB."""

    incident_id: str
    status: IncidentStatus
    members: list[_Member]
    severity: Severity | None = None
    reason: str | None = None
    acknowledgement: _Named | None = None


class Standings:
    """The incidents and silences that are on the topic, as sinks need them."""

    def __init__(self) -> None:
        self._incidents: dict[str, _Incident] = {}
        self._of_member: dict[str, str] = {}
        self._silences: dict[str, Silence] = {}

    def update(self, changed: Mapping[str, bytes | None]) -> None:
        """Take over what `StoredBook.feed` returned."""
        for key, value in changed.items():
            if key.startswith(SILENCE_KEY):
                self._put_silence(key, value)
            elif not key.startswith((GROUP_KEY, DEPLOYMENT_KEY)):
                self._put_incident(key, value)

    def knows(self, alert: AlertEvent) -> bool:
        """Whether the incident of an alert is known."""
        return alert.incident_id in self._of_member

    def of(self, alert: AlertEvent, now: datetime) -> Standing:
        """Return where an alert stands at a time."""
        key = self._of_member.get(alert.incident_id)
        incident = None if key is None else self._incidents[key]
        subject = Subject(
            alert.model_id, alert.series, alert.owner, alert.kind, alert.severity, key
        )
        silences = tuple(
            sorted(each.silence_id for each in self._silences.values() if each.covers(subject, now))
        )
        if incident is None:
            return Standing(silences=silences)
        acknowledgement = incident.acknowledgement
        return Standing(
            incident.incident_id,
            incident.status,
            incident.reason == "accepted",
            incident.severity,
            None if acknowledgement is None else acknowledgement.by,
            silences,
            _inhibited_by(incident, alert),
        )

    def _put_silence(self, key: str, value: bytes | None) -> None:
        self._silences.pop(key, None)
        if value is not None:
            try:
                self._silences[key] = Silence.from_json(value)
            except ValidationError:
                return

    def _put_incident(self, key: str, value: bytes | None) -> None:
        before = self._incidents.pop(key, None)
        for member in before.members if before else ():
            if self._of_member.get(member.incident_id) == key:
                del self._of_member[member.incident_id]
        if value is None:
            return
        try:
            incident = _decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        for member in incident.members:
            member.series = [each for each in member.series if each.inhibited_by]
        self._incidents[key] = incident
        self._of_member |= {member.incident_id: key for member in incident.members}


def _inhibited_by(incident: _Incident, alert: AlertEvent) -> tuple[str, ...]:
    name = name_of(alert)
    members = (each for each in incident.members if each.incident_id == alert.incident_id)
    return next((each.inhibited_by(name, alert.segment) for each in members), ())


_decoder: Final = msgspec.json.Decoder(_Incident)
