"""The rows of the matrix: what is done to a worker, when it passes, and how that is printed."""

import asyncio
import importlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from faults.brokers import Broker
from worker.running import settings

ROWS = Path(__file__).with_name("rows")
ROW_SECONDS = 1800.0  # only a hang takes so long, on the slowest machine
NIGHTLY_SECONDS = 2 * 3600.0


class Failed(AssertionError):  # noqa: N818  what a row says when it does not pass
    """A row did not pass; the message says in what."""


class Differs(Exception):  # noqa: N818  what a row says when it does what it should not
    """A row was run and does otherwise than it should, for the reason that the message gives."""


class Unavailable(Exception):  # noqa: N818  what a row says when it cannot be run here
    """A row cannot be run here; the message says what is missing."""


@dataclass(frozen=True)
class Verdict:
    """What came of a row: pass, FAIL, differs or not run; and its figures, or the reason."""

    row: str
    fault: str
    verdict: str
    seed: int
    seconds: float
    figures: str

    def line(self) -> str:
        """Say it in one line."""
        return (
            f"{self.row:<12} {self.verdict:<8} seed {self.seed}, {self.seconds:5.0f} s:"
            f" {self.figures}"
        )


class Site:
    """What a row works with.

    Attributes
    ----------
    kafka
        One node of Apache Kafka, which a row may stop and has to start again.
    detour
        Another way to it, which a row may cut.
    folder
        For its files.
    draw
        Every moment and every number that a row chooses, by its seed.
    nightly
        Whether the row is to be run at its full length.
    seconds
        How long the row that lasts an hour is to last instead, to try it; None: the hour.
    """

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        draw: random.Random,
        *,
        nightly: bool,
        seconds: int | None = None,
    ) -> None:
        self.kafka = broker.kafka
        self.detour = broker.detour
        self.folder = folder
        self.draw = draw
        self.nightly = nightly
        self.seconds = seconds

    def size(self, here: int, nightly: int) -> int:
        """Return how much is done: here, and in the nightly form."""
        return nightly if self.nightly else here

    def content(self, **more: Any) -> dict[str, Any]:
        """Return a config file's content, with topics and a group of the row's own."""
        base: dict[str, Any] = {
            "limits": {"slice_records": 200},
            "labels": {"store": str(self.folder)},
            "snapshots": {"interval": "200ms"},
            "policy": {"resolve_after": 100, "update_interval": "30s"},
        }
        merged = {name: base.get(name, {}) | more.pop(name, {}) for name in base}
        return settings(self.kafka.bootstrap, **merged, **more)


@dataclass(frozen=True)
class Row:
    """One row; its module says FAULT, PASSES, and either `run(site)` or NOT_RUN."""

    name: str
    module: ModuleType

    @property
    def fault(self) -> str:
        """What is done."""
        return str(self.module.FAULT)

    @property
    def passes(self) -> str:
        """When it passes."""
        return str(self.module.PASSES)

    def not_run(self, *, nightly: bool) -> str | None:
        """Why it is not run; None when it is."""
        reason = getattr(self.module, "NOT_RUN", None)
        if reason is None and not nightly:
            reason = getattr(self.module, "NIGHTLY", None)
        return reason

    async def judge(self, site: Site, seed: int) -> Verdict:
        """Run it, or say why not."""
        reason = self.not_run(nightly=site.nightly)
        if reason is not None:
            return Verdict(self.name, self.fault, "not run", seed, 0.0, reason)
        began = time.monotonic()
        try:
            async with asyncio.timeout(NIGHTLY_SECONDS if site.nightly else ROW_SECONDS):
                figures = await self.module.run(site)
            verdict = "pass"
        except Differs as reason_why:
            figures, verdict = str(reason_why), "differs"
        except Unavailable as reason_why:
            figures, verdict = str(reason_why), "not run"
        except Exception as error:  # noqa: BLE001  whatever it is, this row did not pass
            figures, verdict = " ".join(_told(error).split())[:600], "FAIL"
        return Verdict(self.name, self.fault, verdict, seed, time.monotonic() - began, figures)


def _told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(_told, error.exceptions))
    return f"{type(error).__name__}: {error}"


def rows(names: Sequence[str] = ()) -> list[Row]:
    """Return the rows of these names, or all, in the order of the matrix."""
    found = [
        Row(path.stem, importlib.import_module(f"faults.rows.{path.stem}"))
        for path in ROWS.glob("*.py")
    ]
    unknown = set(names) - {row.name for row in found}
    if unknown:
        there = ", ".join(sorted(row.name for row in found))
        raise SystemExit(f"no row {sorted(unknown)}; there are {there}")
    wanted = [row for row in found if not names or row.name in names]
    return sorted(wanted, key=lambda row: (row.module.ORDER, row.name))


async def verdicts(
    chosen: Sequence[Row],
    broker: Broker,
    folder: Path,
    seed: int,
    *,
    nightly: bool,
    seconds: int | None,
) -> AsyncIterator[Verdict]:
    """Run rows one after another."""
    for row in chosen:
        place = folder / row.name
        place.mkdir(parents=True, exist_ok=True)
        draw = random.Random(f"{seed}/{row.name}")
        site = Site(broker, place, draw, nightly=nightly, seconds=seconds)
        yield await row.judge(site, seed)
