"""Prepare measurements: a broker, a folder and separate topics."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka.clients import open_admin
from streamproc.tools.bench.process import Figures, Job, finish, start
from streamproc.tools.bench.report import Outcome, Row

Results = dict[str, list[Figures]]

SKIPPED_SHARE: Final = 20  # the first twentieth of the events is not measured


@dataclass(frozen=True, slots=True)
class BenchRun:
    """What a part's plan is made for.

    Parameters
    ----------
    bootstrap
        ``host:port`` of the broker; empty for a part that needs none.
    events
        Events that the fast systems read; the slow ones get fewer, as figures are per event.
    rounds
        How often everything is measured.
    seed
        Of all random numbers.
    folder
        For what workers keep on a disk.
    prefix
        Before the names of all topics and groups: nobody else's.
    """

    bootstrap: str
    events: int
    rounds: int
    seed: int
    folder: Path
    prefix: str = field(default_factory=lambda: f"bench-{secrets.token_hex(4)}.")

    def config(self, name: str, group: str = "all", **settings: Any) -> dict[str, Any]:
        """Return a configuration with a separate prefix of topic names.

        Each group has its own topic of snapshots. Workers read all of that topic, and the embedded
        broker sends a partition in one response: with a shared one, the memory of a round grew with
        the snapshots of the rounds before it.
        """
        prefix = f"{self.prefix}{name}."
        return {
            "broker": f"kafka://{self.bootstrap}",
            "group": f"{prefix}{group}",
            "topics": {"prefix": prefix, "snapshots": f"snapshots-{group}"},
            "http": {"port": 0},
            "labels": {"store": str(self.folder / "labels")},
        } | settings


@dataclass(frozen=True, slots=True)
class Suite:
    """One part of the measurements.

    Parameters
    ----------
    name
        What the command line calls it.
    title
        Of its table.
    plan
        Gives its jobs, in their order: rounds in turn, so that what else the machine does
        hits all systems alike.
    rows
        Makes its table out of the figures by label.
    needs_broker
        Whether it does.
    needs_cluster
        Whether an embedded broker will not do for it.
    missing
        Names what cannot be run here, with the reason.
    """

    name: str
    title: str
    plan: Callable[[BenchRun], Sequence[Job]]
    rows: Callable[[Results], Sequence[Row]]
    needs_broker: bool = True
    needs_cluster: bool = False
    missing: Callable[[], tuple[str, ...]] = tuple


def measure(
    part: Suite,
    *,
    broker: str | None,
    events: int,
    rounds: int,
    seed: int,
    step: Callable[[str, int, int], None],
) -> Outcome:
    """Carry out a part.

    Parameters
    ----------
    part
        What to measure.
    broker
        ``host:port``; None starts an embedded broker for this part alone.
    events, rounds, seed
        As in `BenchRun`.
    step
        Called before each job with its name, the number of finished jobs, and the total.

    Raises
    ------
    BenchError
        If a job fails.
    BrokerError
        If the broker cannot be reached.
    """
    if part.needs_cluster and broker is None:
        reason = (
            f"{part.name}: the embedded broker shares partitions out badly, and never misses a"
            " worker that was killed; give --broker"
        )
        return Outcome(part.name, part.title, (), (reason,), {})
    results: Results = {}
    with _broker(part, broker) as bootstrap, TemporaryDirectory(prefix="bench-") as folder:
        lab = BenchRun(bootstrap, events, rounds, seed, Path(folder))
        jobs = part.plan(lab)
        try:
            for number, job in enumerate(jobs):
                step(job.what, number, len(jobs))
                place = Path(folder) / str(number)
                child = start(job, place)
                try:
                    figures = finish(job, child, place)
                finally:
                    child.kill()
                results.setdefault(job.label, []).append(figures)
        finally:
            if broker is not None and part.needs_broker:
                asyncio.run(_delete_topics(lab))
    rows = tuple(part.rows(results))
    return Outcome(part.name, part.title, rows, part.missing(), results)


@contextmanager
def _broker(part: Suite, given: str | None) -> Iterator[str]:
    if given is not None or not part.needs_broker:
        yield given or ""
        return
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


async def _delete_topics(lab: BenchRun) -> None:
    config = Config.model_validate({"broker": f"kafka://{lab.bootstrap}"})
    async with open_admin(config) as admin:
        ours = [name for name in await admin.list_topics() if name.startswith(lab.prefix)]
        if ours:
            await admin.delete_topics(ours)
