"""``streamproc models promote`` and ``rollback``: send a signed command and await its step."""

import asyncio
from datetime import UTC, datetime
from typing import Final, Literal

from streamproc.cli.models_list import describe, find_life
from streamproc.cli.tables import terminal
from streamproc.client.control import send_command
from streamproc.client.model_states import ModelState
from streamproc.client.model_updates import UPDATES
from streamproc.client.reading import TopicReader
from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.model_command import Choice
from streamproc.schemas.model_updates import ModelUpdate

# A command reaches workers within a second, and its place among the outcomes soon after; a slow
# model may be behind by more, and obeys when it gets there.
WAIT_SECONDS: Final = 30.0


class NotDoneError(StreamprocError):
    """No worker has confirmed the command; the message names what to check."""


async def choose(config: Config, verb: Literal["promote", "rollback"], choice: Choice) -> None:
    """Send a command, and print the step that follows from it.

    Raises
    ------
    ConfigError
        When the config has no ``control``.
    NotDoneError
        When no step follows within half a minute.
    """
    reader = TopicReader(config, UPDATES, datetime.now(UTC))
    with quiet_client():
        await reader.open(create=True)
        try:
            payload = choice.model_dump(mode="json", exclude_none=True)
            command = await send_command(verb, payload, config=config)
            async with asyncio.timeout(WAIT_SECONDS):
                terminal().print(describe(await _step(reader, command.id)))
        except TimeoutError as error:
            why = advice(await find_life(config, choice), verb, choice)
            raise NotDoneError(
                f"{command.id} is sent, and no step followed within {WAIT_SECONDS:.0f} s: {why}"
            ) from error
        finally:
            await reader.close()


def advice(life: ModelState | None, verb: Literal["promote", "rollback"], choice: Choice) -> str:
    """Return why a command may have changed nothing, and what to do.

    Parameters
    ----------
    life
        What is known of the model; None: nothing.
    verb, choice
        The command.
    """
    workers = (
        "check that a worker runs with the same `control` secret (its log says what it refuses)"
    )
    if life is None:
        return f"no online model {choice.model_id!r} is known; {workers}"
    last = {number: version.last.step for number, version in life.versions.items()}
    challengers = [number for number, step in last.items() if step == "challenger"]
    earlier = [number for number in last if number not in {life.serving, *challengers}]
    name, wanted = choice.model_id, choice.version
    if wanted == life.serving:
        return f"v{wanted} of model {name!r} is already the champion"
    if verb == "promote" and wanted in earlier:
        return (
            f"v{wanted} of model {name!r} is not a challenger; to restore an earlier version, run"
            f" `streamproc models rollback {name} --version {wanted}`"
        )
    if verb == "promote" and (wanted not in challengers if wanted is not None else not challengers):
        back = (
            f"; to restore v{earlier[-1]}: `streamproc models rollback {name}"
            f" --version {earlier[-1]}`"
            if earlier
            else ""
        )
        return f"model {name!r} has {_listed(challengers)} to promote{back}"
    if verb == "rollback" and (wanted not in earlier if wanted is not None else not earlier):
        return f"model {name!r} has no such earlier version; known are {_listed(list(last))}"
    return workers


def _listed(versions: list[int]) -> str:
    return ", ".join(f"v{each}" for each in sorted(versions)) or "no challenger"


async def _step(reader: TopicReader[ModelUpdate], cause: str) -> ModelUpdate:
    async for update in reader.endless():
        if update.cause == cause:
            return update
    raise AssertionError(cause)  # it is endless
