"""Register the commands of workers: name, payload and handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from streamproc.control.command import Command, Reason, Refusal
from streamproc.schemas.section import Section

Act = Callable[[Command, Any], Awaitable[None]]
"""Runs a command with its validated payload; may be called more than once for each."""


class NoPayload(Section):
    """The payload of a command without arguments."""


@dataclass(frozen=True, slots=True)
class CommandHandler:
    """The handler of a command.

    `payload` is the model that validates the payload; `act` is called with both. A worker that
    starts reads unexpired commands again, so `act` must skip what it has done already, by
    `Command.id` or by the last sequence of the issuer. `outcome` is counted when `act` returns.
    """

    name: str
    payload: type[Section]
    act: Act
    outcome: str = "done"


class CommandHandlers:
    """The handlers of a worker by command name.

    Parameters
    ----------
    *verbs
        Handlers with distinct names.
    """

    def __init__(self, *verbs: CommandHandler) -> None:
        self._verbs: Final = {verb.name: verb for verb in verbs}

    def find(self, command: Command) -> tuple[CommandHandler, Section] | Refusal:
        """Return a command's handler and validated payload, or the reason to refuse it."""
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
