"""The table of the docs."""

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from faults.matrix import Row, Verdict, rows

BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
HEAD = (
    "| row | fault | passes when | verdict | seed | seconds | figures, or why not | run on |\n"
    "|---|---|---|---|---|---|---|---|"
)
LINE = re.compile(r"^\| `(\w+)` \|.*$", re.MULTILINE)


def line(row: Row, verdict: Verdict, when: datetime, *, nightly: bool) -> str:
    """Return a row of the table."""
    ran = verdict.verdict != "not run"
    form = "nightly form: " if nightly and ran else ""
    cells = (
        *(f"`{row.name}`", row.fault, row.passes),
        f"**{verdict.verdict}**" if verdict.verdict == "FAIL" else verdict.verdict,
        *((str(verdict.seed), f"{verdict.seconds:.0f}") if ran else ("–", "–")),
        form + verdict.figures,
        f"{when:%Y-%m-%d}" if ran else "–",
    )
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"


def put(path: Path, found: Sequence[tuple[Row, Verdict]], when: datetime, *, nightly: bool) -> None:
    """Put rows into the table between the two marks of a page; others stay as they were."""
    text = path.read_text()
    marked = re.compile(f"{BEGIN}\n(.*?){END}", re.DOTALL)
    lines = {each[1]: each[0] for each in LINE.finditer(text)}
    lines |= {row.name: line(row, verdict, when, nightly=nightly) for row, verdict in found}
    made = (
        "In the short form where it does not say the nightly one, on Apache Kafka, with"
        f" {os.cpu_count()} cores that other work shared."
    )
    there = [lines[row.name] for row in rows() if row.name in lines]
    table = "\n".join([BEGIN, made, "", HEAD, *there, END])
    path.write_text(marked.sub(lambda _: table, text))
