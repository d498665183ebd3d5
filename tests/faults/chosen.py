"""Which rows of the matrix tests run, in their short form, and in which file."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from faults.brokers import Broker
from faults.matrix import Row, Site, rows

SEED = 1
# Each test file starts a broker, so that files run in parallel. test_faults.py runs the rows that
# are in neither of these two.
OF_WORKERS = {
    "sigkill",
    "sigterm",
    "broker",
    "storm",
    "zombie",
    "lost_polls",
    "reload",
    "groups",
}
OF_RECORDS = {
    "poison",
    "twicekeys",
    "codecs",
    "headers",
    "bomb",
    "damaged",
    "versions",
    "clocks",
    "offsets",
    "series",
}


def runnable(names: Iterable[str]) -> list[Row]:
    """Return the rows of these names that have a short form."""
    return [row for row in rows(sorted(names)) if row.not_run(nightly=False) is None]


def site(broker: Broker, folder: Path, name: str) -> Site:
    """Return what a row works with."""
    return Site(broker, folder, random.Random(f"{SEED}/{name}"), nightly=False)


async def passes(row: Row, broker: Broker, folder: Path) -> None:
    """Fail with the row's line unless its verdict is that it passes; skip what cannot be run."""
    verdict = await row.judge(site(broker, folder, row.name), SEED)
    if verdict.verdict == "not run":
        pytest.skip(verdict.figures)
    assert verdict.verdict == "pass", verdict.line()
