"""Measure the mapping of foreign records of JSON, and records of Arrow, without Kafka."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.intake.mapper import Mapper
from streamproc.intake.records import map_records
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.content_types import ARROW_STREAM
from streamproc.tools.bench.jobs.core import NOW
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import FIRST_TS

ROWS: Final = 5000  # in a record of Arrow
KNOWN: Final = 2  # such records before the measurement: series are past their warm-up
_OBJECT: Final = {
    "model_id": {"const": "fraud"},
    "event_id": "id",
    "ts": "time",
    "prediction": "result.score",
    "features": {"path": "input"},
}
_LABELS: Final = {"model_id": {"const": "fraud"}, "event_id": "after.id", "label": "after.fraud"}
SHAPES: Final[Mapping[str, dict[str, Any]]] = {
    "paths": {"map": _OBJECT},
    "kserve": {"preset": "kserve"},
    "debezium": {"preset": "debezium", "map": _LABELS},
}


def main() -> None:
    """Map records of each shape, then feed a partition records of Arrow, and time both."""
    options = settings()
    count, draw = options["events"], np.random.default_rng(options["seed"])
    figures: dict[str, float] = {}
    for name, entry in SHAPES.items():
        config = load({"intake": [{"from": {"topics": ["sent"]}} | entry]})
        mapper = Mapper(config.intake[0], config)
        foreign = list(_foreign(name, count, draw))
        began = time.process_time()
        mapped = map_records(mapper, foreign, "sent")
        figures[name] = 1e5 * (time.process_time() - began) / len(foreign)
        figures[f"{name}/lost"] = len(mapped.dead_letters) + mapped.skipped
    for features in options["features"]:
        records = list(_arrow(count, features, draw))
        figures[f"arrow/{features}"] = _rate([[record] for record in records])
        figures[f"json/{features}"] = _rate(list(_as_json(records)))
    answer(options, figures)


def _rate(slices: Sequence[Sequence[LogRecord]]) -> float:
    """Return events a CPU second, from bytes to alerts with the default detectors."""
    target = PartitionMonitor(Topic.PREDICTIONS, "predictions", 0, load(None))
    for part in slices[:KNOWN]:
        target.process(part, NOW)
    began, events = time.process_time(), 0
    for part in slices[KNOWN:]:
        events += target.process(part, NOW).events
    return events / (time.process_time() - began)


def _as_json(records: Sequence[LogRecord]) -> Iterator[list[LogRecord]]:
    """Yield the rows of each record of Arrow as records of JSON."""
    for record in records:
        rows = pa.ipc.open_stream(record.value).read_all().to_pylist()
        yield [
            LogRecord(record.offset * ROWS + at, _event(row), record.timestamp, record.key)
            for at, row in enumerate(rows)
        ]


def _event(row: dict[str, Any]) -> bytes:
    fields = {name: row.pop(name) for name in ("model_id", "event_id", "ts", "prediction")}
    return json.dumps(fields | {"features": row}).encode()


def _arrow(count: int, features: int, draw: np.random.Generator) -> Iterator[LogRecord]:
    """Yield records of Arrow of one model, with ids, times and a prediction."""
    for offset in range(KNOWN + max(1, count // ROWS)):
        first = offset * ROWS
        columns = {
            "model_id": ["fraud"] * ROWS,
            "event_id": [str(number) for number in range(first, first + ROWS)],
            "ts": FIRST_TS + np.arange(first, first + ROWS),
            "prediction": draw.random(ROWS),
        } | {f"f{number}": draw.normal(size=ROWS) for number in range(features)}
        table = pa.table(columns)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        headers = (("content-type", ARROW_STREAM.encode()),)
        value = sink.getvalue().to_pybytes()
        yield LogRecord(offset, value, int(FIRST_TS * 1000), b"fraud", headers)


def _foreign(shape: str, count: int, draw: np.random.Generator) -> Iterator[tuple[int, LogRecord]]:
    """Yield records of a shape, each with its partition."""
    for at in range(count):
        headers: Sequence[tuple[str, bytes]] = ()
        values = [round(value, 4) for value in draw.normal(size=10).tolist()]
        body: dict[str, Any]
        if shape == "paths":
            features = {f"f{number}": value for number, value in enumerate(values)}
            body = {"id": str(at), "time": FIRST_TS + at, "result": {"score": 0.5}}
            body["input"] = features
        elif shape == "debezium":
            body = {"op": "c", "ts_ms": int(FIRST_TS * 1000) + at}
            body |= {"before": None, "after": {"id": at, "fraud": at % 2}, "source": {}}
        else:
            kind = "response" if at % 2 else "request"
            data = [{"name": "f", "shape": [1], "datatype": "FP64", "data": values[:1]}]
            data = data if at % 2 else [{**data[0], "name": f"f{number}"} for number in range(10)]
            body = {"outputs" if at % 2 else "inputs": data}
            attributes = {
                "specversion": "1.0",
                "id": str(at // 2),
                "time": "2026-01-05T10:00:00.123456Z",
                "inferenceservicename": "fraud",
                "type": f"org.kubeflow.serving.inference.{kind}",
            }
            headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
        value = json.dumps(body).encode()
        yield 0, LogRecord(at, value, int(FIRST_TS * 1000) + at, None, headers)


if __name__ == "__main__":
    main()
