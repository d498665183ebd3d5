"""Apply the commands of people to incidents and silences."""

import hashlib
from datetime import datetime

from streamproc.incidents.entries import CommandEntry
from streamproc.incidents.incident import MAX_COMMANDS, edit, log_step
from streamproc.schemas.incident_commands import (
    Accept,
    Acknowledge,
    Assign,
    Note,
    RemoveSilence,
    SetSilence,
)
from streamproc.schemas.incidents import Acknowledgement, IncidentState
from streamproc.schemas.silences import Silence

_ID_BYTES = 6


def silence_id_of(command_id: str) -> str:
    """Return the id of the silence that a command creates.

    Examples
    --------
    >>> silence_id_of("ana@laptop#1767607200000000")
    '8985b9cd14ad'
    """
    return hashlib.blake2b(command_id.encode(), digest_size=_ID_BYTES).hexdigest()


def apply_to_incident(
    incident: IncidentState, command: CommandEntry, at: datetime
) -> IncidentState:
    """Return an incident after a command about it; the same one if it was applied before."""
    if command.id in incident.commands:
        return incident
    incident = edit(incident, commands=(*incident.commands, command.id)[-MAX_COMMANDS:])
    by, payload = command.by, command.payload
    if isinstance(payload, Note):
        return log_step(incident, at, "noted", by=by, text=payload.text)
    if isinstance(payload, Assign):
        incident = edit(incident, owner=payload.owner)
        return log_step(incident, at, "assigned", by=by, text=payload.owner)
    if isinstance(payload, Acknowledge) and incident.open:
        found = Acknowledgement(by=by, at=at, until=payload.until, reason=payload.reason)
        incident = edit(incident, acknowledgement=found, page_at=None)
        return log_step(incident, at, "acknowledged", by=by, text=payload.reason or None)
    if isinstance(payload, Accept) and (incident.open or payload.false_alarm):
        return _accept(incident, payload, by, at)
    return incident


def _accept(incident: IncidentState, payload: Accept, by: str, at: datetime) -> IncidentState:
    """Return an incident that is accepted; one that has ended may still be a false alarm."""
    if incident.open:
        incident = edit(incident, ended=at, reason="accepted", page_at=None)
    incident = edit(incident, false_alarm=payload.false_alarm)
    text = ": ".join(filter(None, ("false alarm" if payload.false_alarm else "", payload.reason)))
    return log_step(incident, at, "accepted", by=by, text=text or None)


def set_silence(
    before: Silence | None, command: CommandEntry, payload: SetSilence, at: datetime
) -> Silence | None:
    """Return the silence that a command creates or replaces; None if it changes nothing."""
    if payload.silence_id is not None and before is None:
        return None  # it is unknown, or was forgotten
    if before is not None and command.id in before.commands:
        return None
    return Silence(
        silence_id=payload.silence_id or silence_id_of(command.id),
        status="pending",
        matchers=payload.matchers,
        start=payload.start or at,
        end=payload.end,
        comment=payload.comment,
        author=command.by,
        updated=at,
        commands=(*(before.commands if before else ()), command.id)[-MAX_COMMANDS:],
    )


def remove_silence(before: Silence, command: CommandEntry, at: datetime) -> Silence | None:
    """Return a silence that a command ends; None if it changes nothing."""
    if command.id in before.commands or not isinstance(command.payload, RemoveSilence):
        return None
    return before.model_copy(
        update={
            "status": "removed",
            "author": command.by,
            "updated": at,
            "commands": (*before.commands, command.id)[-MAX_COMMANDS:],
        }
    )
