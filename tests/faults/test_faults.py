"""The rows of the matrix in their short form: topics, labels and incidents under fault."""

from pathlib import Path

import pytest
from faults.brokers import Broker
from faults.chosen import OF_RECORDS, OF_WORKERS, passes, runnable
from faults.matrix import Row, rows
from faults.table import BEGIN, END

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
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
    "rewound_labels",  # a minute, in which a broker starts three times
    "mixed",  # two minutes, with three brokers
    "notifications",  # two minutes; tests/incidents/test_crashes.py stops at each record
    "unclean",  # 60 s, and three brokers beside the one of these tests
    "shapes",  # one shape costs 2.7 to 3.4 times a plain one: it passes in some runs only
    "sizes",  # a minute and more: outcomes that are too large are refused one by one
}
HERE = {row.name for row in rows()} - ELSEWHERE - OF_WORKERS - OF_RECORDS


@pytest.mark.kafka
@pytest.mark.parametrize("row", runnable(HERE), ids=lambda row: row.name)
async def test_a_fault_costs_nothing(row: Row, broker: Broker, tmp_path: Path) -> None:
    """Whatever happens to topics and logs, they end as if nothing had happened."""
    await passes(row, broker, tmp_path)


def test_each_row_of_the_table_is_a_row_that_is_there() -> None:
    """The page's table has every row, once, with what it says of fault and verdict."""
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert [line[0].strip("|` ") for line in lines] == [row.name for row in rows()]
    assert [line[1] for line in lines] == [row.fault for row in rows()]
    assert {line[3] for line in lines} <= {"pass", "differs", "not run"}
