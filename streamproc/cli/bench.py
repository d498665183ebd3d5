"""``streamproc bench``."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamproc.cli.options import Broker, flag
from streamproc.errors import ConfigError, extras_named

if TYPE_CHECKING:
    from streamproc.tools.bench.report import Outcome

SEED: Final = 1
ROUNDS: Final = 3


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PART]...",
            help="What to measure. Default: every part.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, flag("json", "Keep every figure in a file.", metavar="FILE", dir_okay=False)
    ] = None,
    events: Annotated[
        int, flag("events", "Events that each fast system reads.", min=1000)
    ] = 300_000,
    broker: Broker = None,
) -> None:
    """Measure speed, memory and latency.

    Parts: peers, live, slices, intake, bank, latency, models, labels, learning, live-learning,
    scale, startup and state; peers, live and live-learning compare with other ways of doing the
    same.

    Without --broker each part gets an embedded broker; scale and state need Apache Kafka.
    """
    with extras_named("bench"):
        from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help
        from streamproc.tools.bench.machine import facts  # noqa: PLC0415  --help
        from streamproc.tools.bench.suites import PARTS  # noqa: PLC0415  --help

    unknown = [name for name in parts or () if name not in PARTS]
    if unknown:
        raise ConfigError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    address = None if broker is None else ",".join(resolve_config(broker, None).bootstrap_servers)
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": facts(),
        "broker": "embedded" if broker is None else "another",
        "seed": SEED,
        "rounds": ROUNDS,
        "events": events,
        "parts": {},
    }
    for name in dict.fromkeys(parts or PARTS):
        outcome = _measure(name, address, events)
        report["parts"][name] = outcome.to_dict()
        if json_file is not None:  # after each part: an interruption loses one at most
            json_file.write_text(json.dumps(report, indent=1) + "\n")


def _measure(name: str, address: str | None, events: int) -> "Outcome":
    from rich.console import Console  # noqa: PLC0415  --help
    from rich.progress import (  # noqa: PLC0415  --help
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from streamproc.tools.bench.runner import measure  # noqa: PLC0415  --help
    from streamproc.tools.bench.suites import PARTS  # noqa: PLC0415  --help

    shown = sys.stderr.isatty()
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not shown,
        transient=True,
    )
    with progress:
        task = progress.add_task(name)

        def step(what: str, done: int, total: int) -> None:
            progress.update(task, description=f"{name}: {what}", completed=done, total=total)

        outcome = measure(
            PARTS[name], broker=address, events=events, rounds=ROUNDS, seed=SEED, step=step
        )
    Console(width=None if sys.stdout.isatty() else 120).print(outcome.table())
    return outcome
