"""Print online models for a person or as JSON."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from streamproc.cli.tables import new_table, print_table, terminal
from streamproc.client import ModelUpdates
from streamproc.client.model_states import ModelState, Segment, Version, segment_of
from streamproc.client.model_updates import UPDATES
from streamproc.client.reading import TopicReader
from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.model_command import Choice
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.terminal import printable

_STEP: Final[Mapping[str, str]] = {
    "promoted": "bold green",
    "replaced": "green",
    "challenger": "cyan",
    "reset": "yellow",
    "rolled_back": "bold yellow",
    "retired": "dim",
    "failed": "bold red",
}
_BESIDE: Final = ("production_", "floor_")


class UnknownModelError(StreamprocError):
    """No such online model was published; the message names those that were."""


async def print_list(source: ModelUpdates, *, as_json: bool) -> None:
    """Print a line for each model and segment: the version that answers."""
    lives = await _all(source)
    if as_json:
        _write(life.answering.last for life in lives if life.answering is not None)
        return
    table = new_table("model", "answers", "learned", "metrics", "last step", "at")
    for life in lives:
        answering, step = life.answering, life.step
        table.add_row(
            _name(life.model_id, life.segment),
            f"v{life.serving}",
            f"{answering.last.learned:,}" if answering else "",
            shown_metrics(answering.last) if answering else "",
            Text("" if step is None else f"{step.step} v{step.version}", _style(step)),
            _moment(None if step is None else step.ts),
        )
    print_table(table, "no online model yet")


async def print_versions(
    source: ModelUpdates, name: str, tags: Mapping[str, str] | None, *, as_json: bool
) -> None:
    """Print the versions of a model, the one that answers first.

    Raises
    ------
    UnknownModelError
        When there is no such model.
    """
    life = _find(await _all(source), name, tags)
    ours = sorted(life.versions.items(), key=lambda item: (item[0] != life.serving, -item[0]))
    if as_json:
        _write(version.last for _, version in ours)
        return
    console = terminal()
    table = new_table("version", "", "learned", "metrics", "told", "at")
    for number, version in ours:
        table.add_row(
            f"v{number}",
            "answers" if number == life.serving else "",
            f"{version.last.learned:,}",
            shown_metrics(version.last),
            Text(version.last.step, _style(version.last)),
            _moment(version.last.ts),
        )
    print_table(table, console=console)
    if life.answering is not None:
        _print_parameters(console, life.answering)


async def print_history(
    config: Config,
    name: str,
    tags: Mapping[str, str] | None,
    *,
    learned: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the steps of a model as they come."""
    console, segment = terminal(), None if tags is None else segment_of(tags)
    reader = TopicReader(config, UPDATES, None)
    with quiet_client():
        await reader.open(create=follow)
        try:
            async for update in reader.endless() if follow else reader.to_the_end():
                if update.model_id != name or (update.step == "learned" and not learned):
                    continue
                if segment is not None and segment_of(update.segment) != segment:
                    continue
                if as_json:
                    _write([update])
                else:
                    console.print(describe(update))
        finally:
            await reader.close()


def describe(update: ModelUpdate) -> Text:
    """Return a step in two lines: when, what and of which model; why, and how good it is."""
    cause = "" if update.cause is None else f"because of {printable(update.cause)}"
    why = "; ".join(filter(None, [cause, shown_metrics(update)]))
    return Text.assemble(
        (_moment(update.ts), "dim"),
        " ",
        (f"{update.step:<11}", _style(update)),
        " ",
        (_name(update.model_id, segment_of(update.segment)), "bold"),
        f" v{update.version}, learned {update.learned:,}; v{update.serving} answers\n    {why}",
    )


async def _all(source: ModelUpdates) -> list[ModelState]:
    with quiet_client():
        async with source as updates:
            async for _ in updates:
                pass
    return sorted(source.lives, key=lambda life: (life.model_id, life.segment))


async def find_life(config: Config, choice: Choice) -> ModelState | None:
    """Return what the topic of the updates has of a model, and segment; None: nothing."""
    segment = segment_of(choice.segment)
    for life in await _all(ModelUpdates(config=config, follow=False)):
        if (life.model_id, life.segment) == (choice.model_id, segment):
            return life
    return None


def _find(lives: list[ModelState], name: str, tags: Mapping[str, str] | None) -> ModelState:
    of_name = [life for life in lives if life.model_id == name]
    segment = segment_of(tags)
    for life in of_name:
        if life.segment == segment:
            return life
    if of_name:
        known = ", ".join(_name("", life.segment).strip() or "all" for life in of_name[:10])
        raise UnknownModelError(
            f"model {name!r} has no segment {dict(segment)}; there are: {known} (--segment)"
        )
    known = ", ".join(sorted({life.model_id for life in lives})[:10]) or "none"
    raise UnknownModelError(f"unknown online model {name!r}; known: {known}")


def _print_parameters(console: Console, version: Version) -> None:
    steps = version.last.model
    if steps is not None:
        console.print(Text(f"  {printable(str(steps))}\n", "cyan"), soft_wrap=True)
    if version.plain is None:
        console.print("  It has no plain parameters.")
        return
    console.print_json(data=version.plain.parameters)


def shown_metrics(update: ModelUpdate) -> str:
    """Give metrics with those of production and floor beside them, as `accuracy 0.91 (0.88, …)`."""
    shown: list[str] = []
    for name, value in update.metrics.items():
        if value is None or name.startswith(_BESIDE):
            continue
        beside = [
            f"{before.rstrip('_')} {other:.4g}"
            for before in _BESIDE
            if (other := update.metrics.get(before + name)) is not None
        ]
        shown.append(f"{name} {value:.4g}" + (f" ({', '.join(beside)})" if beside else ""))
    return printable(", ".join(shown))


def _name(model_id: str, segment: Segment) -> str:
    return printable(" ".join([model_id, *(f"{name}={value}" for name, value in segment)]))


def _moment(ts: datetime | None) -> str:
    return "" if ts is None else f"{ts:%Y-%m-%d %H:%M:%S}Z"


def _style(update: ModelUpdate | None) -> str:
    return "" if update is None else _STEP.get(update.step, "")


def _write(updates: Iterable[ModelUpdate]) -> None:
    for update in updates:
        sys.stdout.buffer.write(update.to_json() + b"\n")
    sys.stdout.buffer.flush()
