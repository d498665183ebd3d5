import pytest

from streamproc.tools.bench.report import Outcome, Row, markdown


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("p99", "ms", (20.0, 29.0, 90.0), 30.0), "met"),
        (Row("p99", "ms", (20.0, 45.0, 90.0), 30.0), "missed by 50 %"),
        (Row("ratio", "×", (20.0,), 25.0, "more"), "missed by 20 %"),
        (Row("speed", "events/s", (1.0,)), ""),
    ],
)
def test_median_decides(row: Row, verdict: str) -> None:
    """The median of the rounds is held against the goal, and a miss says by how much."""
    assert row.verdict == verdict


def test_markdown_says_what_was_not_run() -> None:
    """A table in the docs has a line for each figure and names what could not be measured."""
    outcome = Outcome("peers", "Peers", (Row("CPU", "s", (2.0,), 1.0),), ("x: missing",), {})
    lines = list(markdown(outcome.to_dict()))
    assert lines[2] == "| CPU | 2 s |  | ≤ 1 | missed: 2 times the goal |"
    assert lines[-1] == "\nNot run: x: missing."
