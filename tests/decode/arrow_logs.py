"""Events as records of Arrow and as the same records of JSON."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from record_logs import record

from streamproc.monitor import LogRecord
from streamproc.schemas.content_types import ARROW_STREAM as STREAM


def ipc(
    table: pa.Table, form: str = STREAM, compression: str | None = None, rows: int = 7
) -> bytes:
    """Write a table, in batches of `rows` rows."""
    sink = pa.BufferOutputStream()
    make = pa.ipc.new_stream if form == STREAM else pa.ipc.new_file
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as out:
        out.write_table(table, max_chunksize=rows)
    return bytes(sink.getvalue())


def arrow(offset: int, table: pa.Table, form: str = STREAM, **fields: Any) -> LogRecord:
    """Make a record of a table."""
    headers = (("content-type", form.encode()),)
    return record(offset, ipc(table, form), **({"headers": headers, "key": b"m"} | fields))


def rows(count: int, seed: int, *, models: Sequence[str] = ("m",)) -> list[dict[str, Any]]:
    """Draw rows whose feature `x` moves at two thirds; some are repeated, missing or odd."""
    draw = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number in range(count):
        moved = 9.0 * (number > 2 * count / 3)
        row = {
            "model_id": draw.choice(models),
            "event_id": str(number) if draw.random() < 0.8 else None,
            "ts": 1.7e9 + number if draw.random() < 0.95 else None,
            "prediction": draw.random(),
            "x": draw.gauss(moved, 1),
            "y": draw.gauss(0, 1) if draw.random() < 0.7 else None,
            "n": number % 7 if draw.random() < 0.9 else None,
        }
        if draw.random() < 0.02:
            row |= draw.choice([{"model_id": None}, {"ts": 1e300}, {"prediction": None}])
        found.append(row)
        if draw.random() < 0.05:
            found.append(draw.choice(found))
    return found


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Make a table of rows."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def json_of(rows: Sequence[dict[str, Any]]) -> bytes:
    """Make an array of rows."""
    return json.dumps([event(row) for row in rows]).encode()


def event(row: dict[str, Any]) -> dict[str, Any]:
    """Make an event of a row."""
    names = "model_id", "event_id", "ts", "label"
    fields = {name: row[name] for name in names if row.get(name) is not None}
    features = {name: row[name] for name in ("x", "y", "n") if name in row}
    return fields | {"prediction": row["prediction"], "features": features}


SCHEMA = pa.schema(
    [
        ("model_id", pa.string()),
        ("event_id", pa.string()),
        ("ts", pa.float64()),
        ("prediction", pa.float64()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("n", pa.int64()),
    ]
)
