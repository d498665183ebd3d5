"""Forward promote and rollback commands to the models, through the outcomes topic."""

import asyncio
import logging
from functools import partial
from typing import Any, Final, Literal

import msgspec

from streamproc.control.command import Command
from streamproc.control.handlers import CommandHandler
from streamproc.schemas.model_command import Choice
from streamproc.worker.join.join_manager import JoinManager

# A new owner of a partition starts writing outcomes within a second or two.
BEGIN_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1

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
    """Write a command to the outcomes of all assigned partitions.

    The partition that has the model applies it in order; the others ignore it. Readers skip a
    repeated command by its `id`.
    """
    fields = choice.model_dump(mode="json", exclude_none=True)
    body = msgspec.json.encode({"id": command.id, "verb": verb, **fields})
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            while len(joins.joiners) < len(joins.owned):  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        _log.warning(
            "command %s reaches only %d of %d partitions, whose joins have begun; send it again"
            " if its model is on another",
            *(command.id, len(joins.joiners), len(joins.owned)),
        )
    for joiner in list(joins.joiners.values()):
        await joiner.command(choice.model_id, body)
