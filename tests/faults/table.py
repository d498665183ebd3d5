"""The table of the docs."""

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from faults.matrix import Row, Verdict

BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"


def table(chosen: Sequence[Row], found: Sequence[Verdict], when: datetime, *, nightly: bool) -> str:
    """Return the table, with what made it above."""
    form = "nightly" if nightly else "short"
    lines = [
        f"Made on {when:%Y-%m-%d}, {form} form, on Apache Kafka and {os.cpu_count()} shared cores"
        f" (`python tests/faults/run.py{' --nightly' if nightly else ''} --seed {found[0].seed}`).",
        "",
        "| row | fault | passes when | verdict | seconds | figures, or why not |",
        "|---|---|---|---|---|---|",
    ]
    for row, each in zip(chosen, found, strict=True):
        seconds = f"{each.seconds:.0f}" if each.verdict != "not run" else "–"
        verdict = each.verdict if each.verdict != "FAIL" else "**FAIL**"
        figures = each.figures.replace("|", "\\|")
        lines.append(
            f"| `{row.name}` | {row.fault} | {row.passes} | {verdict} | {seconds} | {figures} |"
        )
    return "\n".join(lines)


def put(
    path: Path, chosen: Sequence[Row], found: Sequence[Verdict], when: datetime, *, nightly: bool
) -> None:
    """Put the table between the two marks of a page."""
    made = table(chosen, found, when, nightly=nightly)
    text = path.read_text()
    marked = re.compile(f"{BEGIN}\n.*?{END}", re.DOTALL)
    path.write_text(marked.sub(lambda _: f"{BEGIN}\n{made}\n{END}", text))
