"""Rows as a serving stack sends them, and the alerts about what the intake makes of them."""

import io
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import fastavro
import pyarrow as pa
from decode.arrow_logs import ipc

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.driver.slices import Slice
from streamproc.intake.frames import Schema, SchemaRef
from streamproc.intake.mapper import Mapper
from streamproc.intake.records import map_records
from streamproc.monitor import LogRecord, Monitor
from streamproc.registry.avro import avro_decoder
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.content_types import ARROW_STREAM
from streamproc.worker.intake.merge import TimeMerge

TOPIC = "sent"
PARTITIONS = 12
START = 1_767_592_800_000  # timestamp of the first record in milliseconds

Row = dict[str, Any]
"""A row of plain values with `id`, `ts` in ISO 8601, and `prediction`; all others are features."""

_OTHERS = ("id", "ts", "prediction")
_COORDINATES = {"alert_id", "incident_id", "source", "detected_at", "change_point"}
_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
_AVRO = {bool: "boolean", int: "long", float: "double", str: "string"}


def features_of(row: Row) -> Row:
    """Return the features of a row."""
    return {name: value for name, value in row.items() if name not in _OTHERS}


def native(model_id: str, rows: Iterable[Row], *, pairs: bool = False) -> Iterator[dict[str, Any]]:
    """Return rows as native events; of a pair the features come first, by themselves."""
    for row in rows:
        common = {"model_id": model_id, "event_id": row["id"], "ts": row["ts"]}
        features, prediction = {"features": features_of(row)}, {"prediction": row["prediction"]}
        if pairs:
            yield common | features
            yield common | prediction
        else:
            yield common | features | prediction


def as_pairs(model_id: str, rows: Sequence[Row]) -> list[LogRecord]:
    """Return rows as KServe's logger writes them: requests and responses with tensors (v2)."""
    sent: list[LogRecord] = []
    for row in rows:
        inputs = [_tensor(name, value) for name, value in features_of(row).items()]
        outputs = [_tensor("output", row["prediction"])]
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": row["id"],
            "ce_time": row["ts"],
            "ce_inferenceservicename": model_id,
        }
        for kind, body in (("request", {"inputs": inputs}), ("response", {"outputs": outputs})):
            headers = attributes | {"ce_type": f"org.kubeflow.serving.inference.{kind}"}
            sent.append(
                LogRecord(
                    len(sent),
                    json.dumps(body).encode(),
                    timestamp=START + len(sent),
                    headers=[(name, text.encode()) for name, text in headers.items()],
                )
            )
    return sent


def as_avro(rows: Sequence[Row]) -> tuple[list[LogRecord], dict[SchemaRef, Schema]]:
    """Return rows as Confluent's serialiser writes them, and what the registry says of them."""
    fields = [{"name": name, "type": _AVRO[type(value)]} for name, value in rows[0].items()]
    schema = {"type": "record", "name": "Row", "fields": fields}
    sent = []
    for at, row in enumerate(rows):
        body = io.BytesIO(b"")
        fastavro.schemaless_writer(body, schema, row)
        framed = bytes([0, 0, 0, 0, 7]) + body.getvalue()
        sent.append(LogRecord(at, framed, timestamp=START + at))
    known = Schema("AVRO", avro_decoder(json.dumps(schema), []))
    return sent, {SchemaRef("id", "7"): known}


def as_json(rows: Sequence[Row]) -> list[LogRecord]:
    """Return rows as one JSON object each."""
    return [
        LogRecord(at, json.dumps(row).encode(), timestamp=START + at) for at, row in enumerate(rows)
    ]


def as_arrow(rows: Sequence[Row], count: int = 40) -> list[LogRecord]:
    """Return rows as records of Arrow, with several rows in each."""
    headers = (("content-type", ARROW_STREAM.encode()),)
    parts = [pa.Table.from_pylist(rows[at : at + count]) for at in range(0, len(rows), count)]
    return [
        LogRecord(at, ipc(part, rows=count), timestamp=START + at, headers=headers)
        for at, part in enumerate(parts)
    ]


def scattered(sent: Sequence[LogRecord], seed: int = 5) -> list[tuple[int, LogRecord]]:
    """Distribute records without keys over twelve partitions, and read them in slices."""
    draw = random.Random(seed)
    logs: list[list[Any]] = [[] for _ in range(PARTITIONS)]
    for record in sent:
        log = draw.choice(logs)
        log.append(replace(record, offset=len(log)))
    merge, read = TimeMerge[None](), list[Any]()
    left = set(range(PARTITIONS))
    while left:
        number = draw.choice(sorted(left))
        taken, logs[number] = logs[number][:50], logs[number][50:]
        if taken:
            merge.add(Slice(TOPIC, number, tuple(taken)), None)
        if not logs[number]:
            left.discard(number)
        read += merge.release(range(PARTITIONS), lambda each: not logs[each])
    return read


def alerts_of(
    entry: dict[str, Any],
    records: Iterable[tuple[int, LogRecord]],
    schemas: dict[SchemaRef, Schema] | None = None,
) -> list[AlertEvent]:
    """Return the alerts about the native events that an entry of `intake` makes of records."""
    given: dict[str, Any] = {"intake": [{"from": {"topics": [TOPIC]}} | entry]}
    if schemas is not None:
        given["registry"] = {"url": "http://localhost:8081"}
    config: Config = load(given)
    found = map_records(Mapper(config.intake[0], config), records, TOPIC, schemas)
    assert found.dead_letters == []
    return Monitor().process([json.loads(event.body) for event in found.events])


def content(alerts: Iterable[AlertEvent]) -> list[dict[str, Any]]:
    """Return everything in alerts that does not depend on which record they come from."""
    return [alert.model_dump(exclude=_COORDINATES) for alert in alerts]


def _tensor(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1, 1], "datatype": _DATATYPES[type(value)], "data": [value]}
