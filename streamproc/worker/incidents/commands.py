"""Append commands about incidents to their log."""

from typing import Any

from streamproc.control.command import Command
from streamproc.control.handlers import CommandHandler
from streamproc.schemas.incident_commands import PAYLOADS
from streamproc.worker.incidents.writing import IncidentLog


def incident_commands(log: IncidentLog) -> tuple[CommandHandler, ...]:
    """Return the handlers of all commands about incidents and silences."""

    async def append(command: Command, _payload: Any) -> None:
        await log.command(command)

    return tuple(
        # The owner of the incidents applies it, in the order of the log.
        CommandHandler(verb, payload, append, outcome="forwarded")
        for verb, payload in PAYLOADS.items()
    )
