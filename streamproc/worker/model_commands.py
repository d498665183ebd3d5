"""An operator's choice of a version, put where it has an order: among the outcomes."""

import asyncio
import logging
from functools import partial
from typing import Any, Final, Literal

import msgspec

from streamproc.control.command import Command
from streamproc.control.handlers import CommandHandler
from streamproc.schemas.model_command import Choice
from streamproc.worker.join.join_manager import JoinManager

# A new owner of a partition begins to write within a second or two.
BEGIN_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1

_log = logging.getLogger(__name__)


def choices(joins: JoinManager) -> tuple[CommandHandler, ...]:
    """Return the verbs `promote` and `rollback`, for a worker that writes outcomes."""
    return tuple(
        # Whether it can be done is for the model to say, once it has come so far.
        CommandHandler(name, Choice, partial(_choose, joins, name), outcome="forwarded")
        for name in ("promote", "rollback")
    )


async def _choose(
    joins: JoinManager, verb: Literal["promote", "rollback"], command: Command, choice: Any
) -> None:
    """Write a choice to the outcomes of all partitions that are ours.

    Whichever of them has the model obeys, in its place; the others have none of that name. A
    learner knows by `id` what it has obeyed already.
    """
    said = choice.model_dump(mode="json", exclude_none=True)
    body = msgspec.json.encode({"id": command.id, "verb": verb, **said})
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
