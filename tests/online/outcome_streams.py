"""Outcomes for the tests of online models."""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.monitor import LogRecord

# Beside the checkout, or beside the folder that several checkouts share.
DATA = next(
    (
        parent / "shared" / "data"
        for parent in Path(__file__).parents
        if (parent / "shared" / "data").is_dir()
    ),
    Path("shared/data"),
)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
Row = tuple[dict[str, Any], Any]


def config(model: object, **more: object) -> Config:
    """Configure one online model for every id."""
    return load({"models": [{"id": "*", "online": {"model": model, **more}}]})


def outcome(offset: int, event: int | str, status: str, **fields: object) -> LogRecord:
    """Make a record of the outcomes."""
    value = {
        "outcome_id": f"{event}/{status}",
        "model_id": "m",
        "event_id": str(event),
        "status": status,
        "revision": 0 if status == "asked" else 1,
        "epoch": 1,
        "seq": offset,
        "ts": datetime.fromtimestamp(1_700_000_000 + offset, UTC),
    }
    return LogRecord(offset, msgspec.json.encode(value | fields), 0, b"m")


def asked_then_labelled(
    rows: Sequence[Row], delay: int = 0, tags: Sequence[Mapping[str, str]] | None = None
) -> list[LogRecord]:
    """Ask about each row, and label it `delay` rows later."""
    return [
        outcome(
            offset,
            row,
            status,
            features=rows[row][0],
            **({"label": rows[row][1]} if status == "labelled" else {}),
            **({"tags": tags[row]} if tags else {}),
        )
        for offset, (row, status) in enumerate(_order(len(rows), delay))
    ]


def _order(rows: int, delay: int) -> Iterator[tuple[int, str]]:
    for row in range(rows + delay):
        if row < rows and not delay:
            yield row, "asked"
        if row >= delay:
            yield row - delay, "labelled"
        if row < rows and delay:
            yield row, "asked"


def elec2() -> list[Row]:
    """Read the electricity stream."""
    with gzip.open(DATA / "elec2_norm.csv.gz", "rt") as file:
        return [
            ({key: float(value) for key, value in row.items() if key != "target"}, row["target"])
            for row in csv.DictReader(file)
        ]
