"""Forward promote and rollback commands to the models, through the outcomes topic."""

import logging
from functools import partial
from typing import Any, Literal

import msgspec

from streamproc.control.command import Command
from streamproc.control.handlers import CommandHandler
from streamproc.schemas.model_command import Choice
from streamproc.worker.join.join_manager import JoinManager
from streamproc.worker.join.outcome_writer import FencedError
from streamproc.worker.join.pending_commands import ModelCommandRecord

_log = logging.getLogger(__name__)


def choices(joins: JoinManager) -> tuple[CommandHandler, ...]:
    """Return the handlers of `promote` and `rollback`."""
    return tuple(
        # The model decides whether it applies, when it reads the command.
        CommandHandler(name, Choice, partial(_choose, joins, name), outcome="forwarded")
        for name in ("promote", "rollback")
    )


async def _choose(
    joins: JoinManager, verb: Literal["promote", "rollback"], command: Command, choice: Any
) -> None:
    """Write a command to the outcomes of the partitions joined here, also of later ones.

    The partition that has the model applies it in order; the others ignore it. Readers skip a
    repeated command by its `id`.
    """
    fields = choice.model_dump(mode="json", exclude_none=True)
    body = msgspec.json.encode({"id": command.id, "verb": verb, **fields})
    record = ModelCommandRecord(choice.model_id, body, command.expires)
    joins.commands.add(record)
    for partition, joiner in list(joins.joiners.items()):
        if not joiner.claimed.is_set():
            continue  # it writes the pending commands as soon as it may
        try:
            await joiner.command(record)
        except FencedError:
            _log.info("command %s for partition %d is left to its new owner", command.id, partition)
