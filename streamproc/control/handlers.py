"""What workers obey: each verb, the payload that it takes, and who acts on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from streamproc.control.command import Command, Reason, Refusal
from streamproc.schemas.section import Section

Act = Callable[[Command, Any], Awaitable[None]]
"""Acts on a command with its payload as it was registered; called once or more for each."""


class NoPayload(Section):
    """The payload of a verb that says all by itself."""


@dataclass(frozen=True, slots=True)
class CommandHandler:
    """A verb that workers know.

    `payload` is the model that its payload must fit, `act` what is called with both. A worker
    that starts is given again what has not expired, so `act` has to know by `Command.id`, or by
    a sequence not above the last of that issuer, what it has done already. `outcome` is what is
    counted when `act` returns.
    """

    name: str
    payload: type[Section]
    act: Act
    outcome: str = "done"


class CommandHandlers:
    """The verbs of a worker.

    Parameters
    ----------
    *verbs
        Each with a name of its own.
    """

    def __init__(self, *verbs: CommandHandler) -> None:
        self._verbs: Final = {verb.name: verb for verb in verbs}

    def find(self, command: Command) -> tuple[CommandHandler, Section] | Refusal:
        """Give a command's verb, and its payload as that wants it, or say why there is none."""
        verb = self._verbs.get(command.verb)
        if verb is None:
            known = ", ".join(sorted(self._verbs)) or "none"
            detail = f"{command.id}: unknown verb {command.verb!r}; known: {known}"
            return Refusal(Reason.UNKNOWN_VERB, detail, command)
        try:
            return verb, verb.payload.model_validate(command.payload)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, wrong["loc"]))
            detail = f"{command.id}: payload of {verb.name}: {field}: {wrong['msg']}"
            return Refusal(Reason.BAD_PAYLOAD, detail, command)
