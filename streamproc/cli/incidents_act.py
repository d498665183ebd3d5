"""Send commands about incidents, and wait until they are on the topic."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import typer

from streamproc.client.control import send_command
from streamproc.client.incidents import (
    MIN_PREFIX,
    IncidentTopic,
    UnknownIncidentError,
    open_incidents,
)
from streamproc.config.config import Config
from streamproc.control.command import Command
from streamproc.errors import StreamprocError
from streamproc.incidents.commands import silence_id_of
from streamproc.incidents.records import StoredValues
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.silences import SILENCE_KEY, Silence
from streamproc.schemas.timestamps import format_timestamp
from streamproc.terminal import count, note

# Workers apply a command within a second; a rebalance takes some seconds more.
WAIT_SECONDS: Final = 20.0
# Commands that change nothing once an incident has ended.
_OF_OPEN: Final = frozenset({"incident_ack", "incident_accept"})


class NotAppliedError(StreamprocError):
    """No worker has applied the command; the message names what to check."""


async def print_acted(config: Config, text: str, verb: str, payload: Mapping[str, Any]) -> None:
    """Send a command about an incident, and print what follows.

    Raises
    ------
    UnknownIncidentError
        If there is no such incident.
    NotAppliedError
        If no worker applies the command.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            before = topic.find(text)
            key = before.incident_id
            await send_and_wait(
                *(config, topic, verb, {"incident_id": key, **payload}),
                lambda values, sent: (
                    key in values.incidents and sent.id in values.incidents[key].commands
                ),
            )
            found = topic.values.incidents[key]
            typer.echo(f"incident {key}: {found.status}")
            if verb in _OF_OPEN and not before.open and found.false_alarm == before.false_alarm:
                note(f"it has ended ({before.reason}) before, and this changed nothing")


async def print_silenced(
    config: Config,
    text: str | None,
    globs: Mapping[str, str],
    times: Mapping[str, datetime | None],
    comment: str | None,
    edit: str | None,
    by: str | None,
) -> None:
    """Create or change a silence, and print its id.

    Raises
    ------
    UnknownIncidentError
        If there is no such incident or silence.
    NotAppliedError
        If no worker applies the command.
    typer.BadParameter
        If it would end before it starts.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            if edit is not None:
                edit = _known(topic, edit).silence_id
            matchers: dict[str, Any] = dict(globs)
            if text is not None:
                matchers["incident"] = topic.find(text).incident_id
            payload: dict[str, Any] = {"matchers": matchers, "comment": comment or "", **times}
            if edit is not None:
                payload = _edited(topic, edit, matchers, comment, times)
            _check_order(payload["start"], payload["end"])
            sent = await send_and_wait(
                *(config, topic, "silence_set", payload | {"by": by}),
                lambda values, sent: any(
                    sent.id in each.commands for each in values.silences.values()
                ),
            )
            silence = topic.values.silences[SILENCE_KEY + (edit or silence_id_of(sent.id))]
            since = (
                f" from {silence.start:%Y-%m-%d %H:%M:%SZ}" if silence.status == "pending" else ""
            )
            typer.echo(
                f"silence {silence.silence_id}: {silence.status}{since} until"
                f" {silence.end:%Y-%m-%d %H:%M:%SZ}, covers {silence.matchers}"
            )
            if silence.status == "active":
                _note_covered(topic, silence)


async def print_unsilenced(config: Config, silence_id: str, by: str | None) -> None:
    """End a silence.

    Raises
    ------
    UnknownIncidentError
        If there is no such silence.
    NotAppliedError
        If no worker applies the command.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            before = _known(topic, silence_id)
            silence_id = before.silence_id
            if before.status in {"removed", "expired"}:
                note(f"silence {silence_id} has ended before: {before.status}")
                return
            await send_and_wait(
                *(config, topic, "silence_remove", {"silence_id": silence_id, "by": by}),
                lambda values, _: values.silences[SILENCE_KEY + silence_id].status == "removed",
            )
            typer.echo(f"silence {silence_id}: removed")


async def send_and_wait(
    config: Config,
    topic: IncidentTopic,
    verb: str,
    payload: Mapping[str, Any],
    applied: Callable[[StoredValues, Command], bool],
) -> Command:
    """Send a command, and wait until the topic shows it.

    Parameters
    ----------
    config
        The configuration, with the secret of commands.
    topic
        The topic, which is read on.
    verb, payload
        The command.
    applied
        Whether what is on the topic shows the command.

    Raises
    ------
    NotAppliedError
        If no worker applies it.
    """
    fields = {
        key: format_timestamp(value) if isinstance(value, datetime) else value
        for key, value in payload.items()
        if value is not None
    }
    sent = await send_command(verb, fields, config=config)
    if not await topic.wait_for(lambda values: applied(values, sent), WAIT_SECONDS):
        raise NotAppliedError(
            f"{sent.id} is sent, and no worker has applied it within {WAIT_SECONDS:.0f} s: check"
            " that a worker runs, that it has the same `control` secret, and its log"
        )
    return sent


def _edited(
    topic: IncidentTopic,
    silence_id: str,
    matchers: Mapping[str, Any],
    comment: str | None,
    times: Mapping[str, datetime | None],
) -> dict[str, Any]:
    before = _known(topic, silence_id)
    return {
        "silence_id": silence_id,
        "matchers": before.matchers.model_dump() | dict(matchers),
        "comment": before.comment if comment is None else comment,
        "start": times["start"] or before.start,
        "end": times["end"] or before.end,
    }


def _known(topic: IncidentTopic, text: str) -> Silence:
    """Return the silence with an id, or the beginning of one."""
    silences = topic.values.silences
    if (exact := silences.get(SILENCE_KEY + text)) is not None:
        return exact
    found = [
        each
        for each in silences.values()
        if len(text) >= MIN_PREFIX and each.silence_id.startswith(text)
    ]
    if len(found) != 1:
        what = f"{len(found)} silences begin with" if found else "no silence is called"
        raise UnknownIncidentError(
            f"{what} {text!r}: list them with `streamproc incidents silences`"
        )
    return found[0]


def _check_order(start: datetime | None, end: datetime) -> None:
    if start is not None and end <= start:
        raise typer.BadParameter(
            f"it is not after the start, {start:%Y-%m-%d %H:%M:%SZ}", param_hint="--until"
        )


def _note_covered(topic: IncidentTopic, silence: Silence) -> None:
    """Tell how many open incidents a silence covers: with a misspelt glob it is none."""
    covered = sum(
        silence.silence_id in each.silences for each in topic.values.incidents.values() if each.open
    )
    note(f"it covers {count(covered, 'open incident')} now")
