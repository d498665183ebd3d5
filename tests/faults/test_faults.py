"""The rows of the matrix in their short form, and the test of the test."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.brokers import Broker, running
from faults.matrix import Failed, Row, Site, rows
from faults.table import BEGIN, END
from faults.workers import lane

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
SEED = 1
# They repeat what other tests show, or hurt for minutes: `python tests/faults/run.py` runs all.
ELSEWHERE = {
    "snapshots",
    "detectors",
    "burst",
    "stall",
    "thrice",
    "cutoff",
    "failover",
    "learning",
    "models",
    "letters",
    "specs",
    "targets",
    "webhook",
    "control",
    "disk",
    "hung",
    "partitioners",
    "times",  # 47 s: two workers that join and learn, one for each horizon
    "churn",  # 40 s: a worker is asked after each of thirty days
    "process_clocks",  # 47 s, and it compiles a C file
    "shapes",  # 107 s, and it differs: two shapes cost more than they should
    "sizes",  # a minute and more: outcomes that are too large are refused one by one
}
CHOSEN = [row for row in rows() if row.not_run(nightly=False) is None and row.name not in ELSEWHERE]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a broker that the rows may stop, cut off and start again."""
    with running(tmp_path_factory.mktemp("faults") / "kafka") as broker:
        yield broker


def site(broker: Broker, folder: Path, name: str) -> Site:
    """Return what a row works with."""
    return Site(broker, folder, random.Random(f"{SEED}/{name}"), nightly=False)


@pytest.mark.kafka
@pytest.mark.parametrize("row", CHOSEN, ids=lambda row: row.name)
async def test_a_fault_costs_nothing(row: Row, broker: Broker, tmp_path: Path) -> None:
    """Whatever happens to a worker, its topics and its state end as if nothing had happened."""
    verdict = await row.judge(site(broker, tmp_path, row.name), SEED)
    assert verdict.verdict == "pass", verdict.line()


@pytest.mark.kafka
@pytest.mark.parametrize("build", ["acknowledges first", "saves first"])
async def test_a_hasty_build_fails(build: str, broker: Broker, tmp_path: Path) -> None:
    """A build that acknowledges, or saves its state, before it publishes does not get through."""
    with pytest.raises(Failed, match="is missing"):
        await lane(site(broker, tmp_path, build), ["before_alert"], SEED, hasty=build)


def test_each_row_of_the_table_is_a_row_that_is_there() -> None:
    """The page's table has every row, once, with what it says of fault and verdict."""
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert [line[0].strip("|` ") for line in lines] == [row.name for row in rows()]
    assert [line[1] for line in lines] == [row.fault for row in rows()]
    assert {line[3] for line in lines} <= {"pass", "differs", "not run"}
