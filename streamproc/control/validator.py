"""Lets through, of all that is on the control topic, what is to be obeyed, in its order."""

from datetime import datetime
from typing import Final

from pydantic import SecretStr

from streamproc.control.command import Command, Refusal, verify
from streamproc.control.handlers import CommandHandler, CommandHandlers
from streamproc.schemas.section import Section


class CommandValidator:
    """What is known of a control topic that is read from its start.

    The sequences live on the topic itself: whoever reads it from the start knows all of them,
    after any crash and on any machine.

    Parameters
    ----------
    topic
        Full name of the topic.
    secret
        What workers and issuers share.
    verbs
        What is obeyed.
    """

    def __init__(self, topic: str, secret: SecretStr, verbs: CommandHandlers) -> None:
        self._topic: Final = topic
        self._secret: Final = secret
        self._verbs: Final = verbs
        self._last: Final[dict[str, int]] = {}

    def check(
        self, record: bytes, now: datetime
    ) -> tuple[Command, CommandHandler, Section] | Refusal:
        """Give a command with its verb and payload, or say why it is refused."""
        found = verify(record, self._topic, self._secret, now, self._last)
        command = found.command if isinstance(found, Refusal) else found
        if command is not None:
            # Of a refused one, too: that it was sent is true, and what is older is out of order.
            self._last[command.issuer] = max(command.sequence, self._last.get(command.issuer, 0))
        if isinstance(found, Refusal):
            return found
        known = self._verbs.find(found)
        return known if isinstance(known, Refusal) else (found, *known)
