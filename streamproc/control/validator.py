"""Validate the commands of a control topic, in order."""

from datetime import datetime
from typing import Final

from pydantic import SecretStr

from streamproc.control.command import Command, Refusal, verify
from streamproc.control.handlers import CommandHandler, CommandHandlers
from streamproc.schemas.section import Section


class CommandValidator:
    """Validate commands by signature, expiry, sequence and payload.

    The topic is read from its start, so that all sequences are known after any crash and on any
    machine.

    Parameters
    ----------
    topic
        Full name of the topic.
    secret
        Secret that workers and issuers share.
    verbs
        Handlers of the supported commands.
    """

    def __init__(self, topic: str, secret: SecretStr, verbs: CommandHandlers) -> None:
        self._topic: Final = topic
        self._secret: Final = secret
        self._verbs: Final = verbs
        self._last: Final[dict[str, int]] = {}

    def check(
        self, record: bytes, now: datetime
    ) -> tuple[Command, CommandHandler, Section] | Refusal:
        """Return a command with its handler and payload, or the reason to refuse it."""
        found = verify(record, self._topic, self._secret, now, self._last)
        command = found.command if isinstance(found, Refusal) else found
        if command is not None:
            # A refused command counts, too: it was sent, so older ones are out of order.
            self._last[command.issuer] = max(command.sequence, self._last.get(command.issuer, 0))
        if isinstance(found, Refusal):
            return found
        known = self._verbs.find(found)
        return known if isinstance(known, Refusal) else (found, *known)
