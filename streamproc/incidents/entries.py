"""Encode and decode the ordered log that incidents are folded from."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from streamproc.control.command import Command
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.incident_commands import PAYLOADS
from streamproc.schemas.section import Section

TYPE_HEADER: Final = "type"
ALERT: Final = b"alert"
COMMAND: Final = b"command"
SIGHTING: Final = b"version"
TICK: Final = b"tick"
"""Values of the header `type` of a log record."""


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A verified command: its id, who gave it, and its payload."""

    id: str
    by: str
    payload: Section


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: something is due."""


Entry = AlertEvent | CommandEntry | VersionSighting | Tick


class _Command(msgspec.Struct):
    id: str
    issuer: str
    verb: str
    payload: dict[str, Any]


def encode_command(command: Command) -> bytes:
    """Return the log record's value for a verified command."""
    return msgspec.json.encode(
        _Command(command.id, command.issuer, command.verb, dict(command.payload))
    )


def decode_entry(kind: bytes | None, value: bytes | None) -> Entry | None:
    """Return the entry of a log record; None if it is not one.

    Parameters
    ----------
    kind
        Value of its header `type`.
    value
        Value of the record.
    """
    try:
        if kind == ALERT:
            return AlertEvent.from_json(value or b"")
        if kind == SIGHTING:
            return VersionSighting.model_validate_json(value or b"")
        if kind == COMMAND:
            return _command(value or b"")
    except (ValidationError, msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None
    return Tick() if kind == TICK else None


def _command(value: bytes) -> CommandEntry:
    found = _decoder.decode(value)
    payload = PAYLOADS[found.verb].model_validate(found.payload)
    return CommandEntry(found.id, getattr(payload, "by", None) or found.issuer, payload)


_decoder: Final = msgspec.json.Decoder(_Command)
