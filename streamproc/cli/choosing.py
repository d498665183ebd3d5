"""``streamproc models promote`` and ``rollback``: say it to running workers, see what they do."""

import asyncio
from datetime import UTC, datetime
from typing import Final, Literal

from streamproc.cli.modeling import describe, terminal
from streamproc.client.control import send_command
from streamproc.client.model_updates import UPDATES
from streamproc.client.reading import TopicReader
from streamproc.contract.choice import Choice
from streamproc.contract.config import Config
from streamproc.contract.updates import ModelUpdate
from streamproc.errors import StreamprocError
from streamproc.transport.quiet import quiet_client

# A command reaches workers within a second, and its place among the outcomes soon after; a slow
# model may be behind by more, and obeys when it gets there.
WAIT_SECONDS: Final = 30.0


class NotDoneError(StreamprocError):
    """No worker has told that it obeyed; the message says what to look at."""


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
            raise NotDoneError(
                f"{command.id} is sent, and no step followed within {WAIT_SECONDS:.0f} s: check"
                " that a worker runs with the same `control` secret (its log says what it"
                f" refuses), and that `streamproc models show {choice.model_id}` has the version"
            ) from error
        finally:
            await reader.close()


async def _step(reader: TopicReader[ModelUpdate], cause: str) -> ModelUpdate:
    async for update in reader.endless():
        if update.cause == cause:
            return update
    raise AssertionError(cause)  # it is endless
