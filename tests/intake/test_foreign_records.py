"""Records as other systems write them become the right native events."""

import base64
import json
import struct
from typing import Any

import msgspec
import pytest

from streamproc.config.load import load
from streamproc.intake.errors import IntakeError
from streamproc.intake.mapper import Mapped, mappers
from streamproc.monitor import LogRecord

STAMP = 1_790_000_000_000  # 2026-09-21T13:33:20Z
REQUEST = "org.kubeflow.serving.inference.request"
RESPONSE = "org.kubeflow.serving.inference.response"


def mapped(entry: dict[str, Any], value: Any, topic: str = "theirs", **fields: Any) -> Mapped:
    """Map one record of partition 3, offset 41."""
    body = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    config = load({"intake": [{"from": {"topics": [topic]}} | entry]})
    mapper = mappers(config)(topic)
    assert mapper is not None
    return mapper.map(LogRecord(41, body, STAMP, **fields), topic, 3)


def events(entry: dict[str, Any], value: Any, **fields: Any) -> list[tuple[str, Any]]:
    """Return kind and fields of the events of a record."""
    return [
        (event.to, msgspec.json.decode(event.body))
        for event in mapped(entry, value, **fields).events
    ]


def cloud_headers(kind: str) -> tuple[tuple[str, bytes], ...]:
    """Return the headers of a binary CloudEvent of KServe's logger."""
    attributes = {
        "specversion": "1.0",
        "id": "5f0c",
        "type": kind,
        "source": "http://localhost:9081/",
        "time": "2026-09-21T13:33:19.25Z",
        "inferenceservicename": "churn",
        "namespace": "shop",
        "component": "predictor",
        "endpoint": "",
    }
    headers = {f"ce_{name}": text.encode() for name, text in attributes.items()}
    return tuple((headers | {"content-type": b"application/json"}).items())


COMMON = {
    "model_id": "churn",
    "event_id": "5f0c",
    "ts": "2026-09-21T13:33:19.25Z",
    "tags": {"namespace": "shop", "component": "predictor"},
}


def test_kserve_binary_v1() -> None:
    """A request of named values is features; its response is the prediction of the same event."""
    kserve = {"preset": "kserve"}
    asked = {"instances": [{"age": 31, "plan": "pro"}]}
    [(kind, event)] = events(kserve, asked, headers=cloud_headers(REQUEST))
    assert (kind, event) == ("features", COMMON | {"features": {"age": 31.0, "plan": "pro"}})
    [(kind, event)] = events(kserve, {"predictions": [0.75]}, headers=cloud_headers(RESPONSE))
    assert (kind, event) == ("predictions", COMMON | {"prediction": 0.75})


def test_kserve_batches_of_unnamed_values() -> None:
    """`columns` names them; each row is an event, with its number behind the id of the request."""
    entry = {"preset": "kserve", "columns": ["age", "income"]}
    found = events(entry, {"instances": [[31, 2.5], [47, 3]]}, headers=cloud_headers(REQUEST))
    assert [(e["event_id"], e["features"]) for _, e in found] == [
        ("5f0c_0", {"age": 31.0, "income": 2.5}),
        ("5f0c_1", {"age": 47.0, "income": 3.0}),
    ]
    scores = {"predictions": [[0.25, 0.75], [0.5, 0.5]]}
    found = events(entry, scores, headers=cloud_headers(RESPONSE))
    assert [(e["event_id"], e["prediction"]) for _, e in found] == [
        ("5f0c_0", {"0": 0.25, "1": 0.75}),
        ("5f0c_1", {"0": 0.5, "1": 0.5}),
    ]
    unnamed = events({"preset": "kserve"}, {"instances": [[31]]}, headers=cloud_headers(REQUEST))
    assert unnamed[0][1]["features"] == {"x-0": 31.0}


def test_kserve_structured_v2() -> None:
    """The value is the CloudEvent, and its data a request of the Open Inference Protocol."""
    attributes = {k[3:]: v.decode() for k, v in cloud_headers(REQUEST) if k.startswith("ce_")}
    data = {
        "inputs": [
            {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [31, 47]},
            {"name": "plan", "shape": [2], "datatype": "BYTES", "data": ["pro", "free"]},
            {"name": "e", "shape": [2, 2], "datatype": "FP32", "data": [[1.5, 2.5], [3.5, 4.5]]},
        ]
    }
    headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
    for form in (
        {"data": data},
        {"data": json.dumps(data), "datacontenttype": "application/json"},
        {"data_base64": base64.b64encode(json.dumps(data).encode()).decode()},
    ):
        found = events({"preset": "kserve"}, attributes | form, headers=headers)
        assert [(e["event_id"], e["features"]) for _, e in found] == [
            ("5f0c_0", {"age": 31.0, "plan": "pro", "e-0": 1.5, "e-1": 2.5}),
            ("5f0c_1", {"age": 47.0, "plan": "free", "e-0": 3.5, "e-1": 4.5}),
        ]


def test_mlserver() -> None:
    """The model is in headers, the id of the request is the key."""
    headers = (("mlserver-model", b"iris"), ("mlserver-version", b"v2"))
    common = {
        "model_id": "iris",
        "event_id": "r-9",
        "model_version": "v2",
        "ts": 1_790_000_000.0,
    }
    asked = {
        "id": "another",
        "inputs": [{"name": "predict", "shape": [1, 2], "datatype": "FP64", "data": [5.1, 3.5]}],
    }
    entry = {"preset": "mlserver", "columns": ["sepal length", "sepal width"]}
    assert events(entry, asked, headers=headers, key=b"r-9") == [
        ("features", common | {"features": {"sepal length": 5.1, "sepal width": 3.5}})
    ]
    answer = {
        "model_name": "iris",
        "outputs": [{"name": "predict", "shape": [1, 1], "datatype": "INT64", "data": [2]}],
    }
    assert events(entry, answer, headers=headers, key=b"r-9") == [
        ("predictions", common | {"prediction": 2.0})
    ]


def varint(number: int) -> bytes:
    """Encode a number of protobuf."""
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def field(number: int, value: bytes | int) -> bytes:
    """Encode a field of protobuf."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name: str, kind: str, shape: list[int], contents: bytes) -> bytes:
    """Encode a tensor; its contents are in the message or, if empty, raw."""
    packed = b"".join(map(varint, shape))
    message = field(1, name.encode()) + field(2, kind.encode()) + field(3, packed)
    return message + (field(5, contents) if contents else b"")


@pytest.mark.parametrize("prefix", [b"", b"\0\0\0\0\x07\0"], ids=["bare", "with schema id"])
def test_seldon(prefix: bytes) -> None:
    """Protobuf with typed and with raw contents; the model is part of the topic's name."""
    age = tensor("age", "INT64", [2], field(2, varint(31) + varint((1 << 64) - 4)))
    plan = tensor("plan", "BYTES", [2, 1], field(8, b"pro") + field(8, b"free"))
    asked = field(1, b"churn_1") + field(3, b"q") + field(5, age) + field(5, plan)
    headers = (("x-request-id", b"cq12"),)
    entry: dict[str, Any] = {"preset": "seldon"}
    topic = "seldon.shop.model.churn.inputs"
    found = events(entry, prefix + asked, topic=topic, headers=headers)
    assert [(k, e["model_id"], e["event_id"], e["features"], e["tags"]) for k, e in found] == [
        ("features", "churn", "cq12_0", {"age": 31.0, "plan": "pro"}, {"namespace": "shop"}),
        ("features", "churn", "cq12_1", {"age": -4.0, "plan": "free"}, {"namespace": "shop"}),
    ]
    raw = tensor("score", "FP32", [1, 2], b"")
    answer = field(1, b"churn_1") + field(5, raw) + field(6, struct.pack("<2f", 0.25, 0.75))
    topic = "seldon.shop.model.churn.outputs"
    [(kind, event)] = events(entry, prefix + answer, topic=topic, headers=headers)
    assert (kind, event["prediction"]) == ("predictions", {"0": 0.25, "1": 0.75})


def test_bentoml() -> None:
    """A flat row with a local time; what is not named otherwise is a feature."""
    row = {
        "age": 31,
        "plan": "pro",
        "score": 0.5,
        "timestamp": "2026-09-21T15:33:20.123456",
        "request_id": 17446744073709551610,
        "trace_id": 3,
    }
    mapping = {
        "model_id": {"const": "churn"},
        "prediction": "score",
        "ts": {"path": "timestamp", "zone": "Europe/Berlin"},
    }
    assert events({"preset": "bentoml", "map": mapping}, row) == [
        (
            "predictions",
            {
                "model_id": "churn",
                "event_id": "17446744073709551610",
                "ts": "2026-09-21T13:33:20.123456Z",
                "features": {"age": 31.0, "plan": "pro"},
                "prediction": 0.5,
            },
        )
    ]


@pytest.mark.parametrize(
    "request_body",
    [
        {"dataframe_records": [{"age": 31}, {"age": 47}]},
        {"dataframe_split": {"columns": ["age"], "data": [[31], [47]]}},
        {"inputs": {"age": [31, 47]}},
        {"instances": [{"age": 31}, {"age": 47}]},
    ],
    ids=lambda body: next(iter(body)),
)
def test_databricks(request_body: dict[str, Any]) -> None:
    """Request and response are JSON as text; failed requests are skipped."""
    row = {
        "client_request_id": None,
        "databricks_request_id": "d1",
        "date": "2026-09-21",
        "timestamp_ms": STAMP + 250,
        "status_code": 200,
        "execution_time_ms": 3,
        "request": json.dumps(request_body),
        "response": '{"predictions": [1.5, 2.5]}',
    }
    entry = {"preset": "databricks", "map": {"model_id": {"const": "price"}}}
    found = events(entry, row)
    assert [(e["event_id"], e["ts"], e["features"], e["prediction"]) for _, e in found] == [
        ("d1_0", STAMP + 250, {"age": 31.0}, 1.5),
        ("d1_1", STAMP + 250, {"age": 47.0}, 2.5),
    ]
    failed = mapped(entry, row | {"status_code": 500, "response": None})
    assert failed.events == ()
    assert failed.skipped == "`keep` does not name '500'"


def test_sagemaker() -> None:
    """Comma-separated values of input and output."""
    line = {
        "captureData": {
            "endpointInput": {"data": "31,pro\n47,free", "mode": "INPUT", "encoding": "CSV"},
            "endpointOutput": {"data": "0.25\n0.75\n", "mode": "OUTPUT", "encoding": "CSV"},
        },
        "eventMetadata": {"eventId": "e1", "inferenceTime": "2026-09-21T13:33:20Z"},
        "eventVersion": "0",
    }
    found = events({"preset": "sagemaker", "columns": ["age", "plan"]}, line)
    assert [(e["event_id"], e["features"], e["prediction"]) for _, e in found] == [
        ("e1_0", {"age": 31.0, "plan": "pro"}, 0.25),
        ("e1_1", {"age": 47.0, "plan": "free"}, 0.75),
    ]


ORDERS = {
    "preset": "debezium",
    "map": {
        "model_id": {"const": "fraud"},
        "event_id": "after.order_id",
        "label": "after.is_fraud",
    },
}
CHANGE = {
    "before": None,
    "after": {"order_id": 7, "is_fraud": True},
    "source": {"ts_ms": STAMP - 10, "table": "orders"},
    "op": "u",
    "ts_ms": STAMP,
}


@pytest.mark.parametrize("enveloped", [True, False])
def test_debezium_changes_are_labels(*, enveloped: bool) -> None:
    """Inserts, updates and snapshot reads, with and without the schema beside them."""
    value = {"schema": {"type": "struct"}, "payload": CHANGE} if enveloped else CHANGE
    for op in "cur":
        assert events(ORDERS, value | ({} if enveloped else {"op": op})) == [
            (
                "labels",
                {"model_id": "fraud", "event_id": "7", "label": True, "ts": STAMP - 10},
            )
        ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        CHANGE | {"op": "d", "after": None},
        CHANGE | {"op": "t"},
        CHANGE | {"op": "m"},
        CHANGE | {"after": {"order_id": 7, "is_fraud": None}},
    ],
    ids=["tombstone", "delete", "truncate", "message", "no label yet"],
)
def test_debezium_skips_what_is_no_label(value: Any) -> None:
    """A delete and the tombstone behind it are not errors."""
    found = mapped(ORDERS, value)
    assert found.events == ()
    assert found.skipped


def test_debezium_rows_without_their_change() -> None:
    """ExtractNewRecordState leaves the row alone."""
    mapping = {"model_id": {"const": "fraud"}, "event_id": "order_id", "label": "is_fraud"}
    entry = {"preset": "debezium", "map": mapping}
    [(kind, event)] = events(entry, {"order_id": 7, "is_fraud": 0})
    assert (kind, event["label"], event["ts"]) == ("labels", 0.0, STAMP / 1000)


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\x01\x02"], ids=["plain", "Confluent's frame"])
@pytest.mark.parametrize("enveloped", [True, False], ids=["envelope", "bare"])
def test_connect_and_confluent_json(*, frame: bytes, enveloped: bool) -> None:
    """Rows of Connect, and JSON with a schema id before it."""
    row = {"id": "a", "score": 1.5, "amount": 3, "shop": {"city": "Ulm"}}
    value = {"schema": {"type": "struct"}, "payload": row} if enveloped else row
    entry = {
        "preset": "connect",
        "map": {
            "model_id": {"topic": r"^scores\.(.+)$"},
            "prediction": "score",
            "tags": {"tier": {"const": "gold"}},
        },
    }
    [(kind, event)] = events(entry, frame + json.dumps(value).encode(), topic="scores.price")
    assert kind == "predictions"
    assert event == {
        "model_id": "price",
        "event_id": "a",
        "ts": STAMP / 1000,
        "tags": {"tier": "gold"},
        "features": {"amount": 3.0, "shop.city": "Ulm"},
        "prediction": 1.5,
    }


def test_an_event_without_an_id_gets_its_coordinates() -> None:
    """The same record gives the same event, byte for byte, however often it is read."""
    entry = {"map": {"prediction": "score"}}
    first = mapped(entry, [{"score": 1.5}, {"score": 2.5}])
    assert [msgspec.json.decode(e.body)["event_id"] for e in first.events] == [
        "theirs-3-41_0",
        "theirs-3-41_1",
    ]
    assert mapped(entry, [{"score": 1.5}, {"score": 2.5}]) == first


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (b"{", "truncated"),
        ({"amount": 3}, "the record has no `score`"),
        ({"score": 1, "model": 7}, r"Expected `str`, got `int` - at `\$.model_id`"),
    ],
)
def test_the_reason_of_a_dead_letter_names_the_field(value: Any, detail: str) -> None:
    """What cannot be mapped is refused before it reaches a native topic."""
    with pytest.raises(IntakeError, match=detail):
        mapped({"map": {"prediction": "score", "model_id": "model"}}, value)


@pytest.mark.parametrize("region", [["eu"], {"name": "eu"}])
def test_a_tag_that_is_not_a_text_costs_itself_alone(region: Any) -> None:
    """A list or an object where a tag is expected is left out; the event is mapped."""
    mapping = {"prediction": "score", "tags": {"region": "region", "shop": "shop"}}
    [event] = events({"map": mapping}, {"score": 0.5, "region": region, "shop": "a"})
    assert event[1]["prediction"] == 0.5
    assert event[1].get("tags", {}).get("shop") == "a"


def test_a_record_without_rows_is_skipped() -> None:
    """An empty list of predictions gives no event, and not one without a prediction."""
    entry = {"map": {"prediction": {"rows": "predictions"}}}
    assert mapped(entry, {"predictions": []}).events == []
