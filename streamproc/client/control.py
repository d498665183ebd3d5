"""Send signed commands to running workers."""

import getpass
import re
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from aiokafka import errors
from pydantic import ValidationError

from streamproc.client.settings import Source, settle_client
from streamproc.control.command import Command, sign
from streamproc.errors import ConfigError
from streamproc.kafka.clients import open_producer
from streamproc.kafka.errors import DeliveryError
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.incident_commands import PAYLOADS

LIFE: Final = timedelta(minutes=1)


async def send_command(
    verb: str,
    payload: Mapping[str, Any] | None = None,
    *,
    broker: str | None = None,
    config: Source = None,
    issuer: str | None = None,
    life: timedelta = LIFE,
) -> Command:
    """Sign a command and write it to the control topic; workers run it within about a second.

    Parameters
    ----------
    verb
        Name of the command, such as ``save``.
    payload
        Arguments of the command.
    broker, config
        As for `Publisher`; the config must have `control`, with the secret of the workers.
    issuer
        Name of the sender; by default user and host. Its commands are numbered by the clock, in
        microseconds: if one issuer uses two clocks, commands of the slower one are refused.
    life
        Time until the command expires, at most an hour.

    Returns
    -------
    Command
        The command as sent.

    Raises
    ------
    ConfigError
        If the config has no `control`, its secret cannot be read, or the command is malformed.
    BrokerError
        If the cluster rejects it.

    Examples
    --------
    >>> async def main() -> None:
    ...     await send_command("save", config="streamproc.yaml")
    """
    settings = settle_client(broker, config)
    if settings.control is None:
        raise ConfigError("control: set `secret_env` or `secret_file`, as the workers have it")
    _check_payload(verb, payload or {})
    now = time.time_ns() // 1000
    command = Command(
        issuer=issuer or _default_issuer(),
        sequence=now,
        expires=datetime.fromtimestamp(now / 1e6, UTC) + life,
        verb=verb,
        payload=dict(payload or {}),
    )
    topic = settings.topics.full_name("control")
    try:
        value = sign(command, topic, settings.control.secret())
    except ValueError as error:
        raise ConfigError(str(error)) from error
    await ensure_topics(settings, only={"control"})
    async with open_producer(settings) as producer:
        try:
            await producer.send_and_wait(topic, value, partition=0)
        except (errors.KafkaError, TimeoutError) as error:
            raise DeliveryError(
                f"cannot write the command to topic {topic!r}: {error}; check that the user of"
                " security: may WRITE it"
            ) from error
    return command


def _check_payload(verb: str, payload: Mapping[str, Any]) -> None:
    """Refuse what workers would refuse: the sender would wait for nothing."""
    for field, value in payload.items():
        try:
            msgspec.json.encode(value)
        except UnicodeEncodeError as error:
            half = f"U+{ord(error.object[error.start]):04X}"
            raise ConfigError(
                f"{verb}: {field}: {half} at position {error.start} is half of a character, so this"
                " is not text; nothing was sent"
            ) from error
        except TypeError as error:
            raise ConfigError(f"{verb}: {field}: {error}; nothing was sent") from error
    schema = PAYLOADS.get(verb)
    if schema is None:
        return
    try:
        schema.model_validate_json(msgspec.json.encode(payload))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in wrong["loc"]) or "payload"
        message = wrong["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{verb}: {field}: {message}; nothing was sent") from error


def _default_issuer() -> str:
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return re.sub(r"[^A-Za-z0-9._@:-]", "_", name)[:100]
