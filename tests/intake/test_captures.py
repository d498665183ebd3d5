"""Captures of SageMaker endpoints become events, whatever form their data have."""

import base64
from typing import Any

import pytest
from test_foreign_records import events, mapped

from streamproc.intake.errors import IntakeError

ENTRY = {
    "preset": "sagemaker",
    "columns": ["age", "income"],
    "map": {"model_id": {"const": "churn"}},
}
CSV, JSON = ("CSV", "text/csv"), ("JSON", "application/json")
LINES = ("JSON", "application/jsonlines")
IN_CSV = ("31,2500", *CSV)
OUT_CSV = ("0.75", *CSV)
Side = tuple[Any, str, str]


def side(data: Any, encoding: str, content_type: str) -> dict[str, Any]:
    """Return one side of a capture."""
    return {"observedContentType": content_type, "data": data, "encoding": encoding}


def in_base64(text: str, _: str, content_type: str) -> Side:
    """Return data as SageMaker captures content types that are not configured."""
    return base64.b64encode(text.encode()).decode(), "BASE64", content_type


def capture(given: Side | None, answer: Side | None, **more: Any) -> dict[str, Any]:
    """Return a record of the data capture."""
    data = {"endpointInput": given, "endpointOutput": answer}
    return {
        "captureData": {name: side(*each) for name, each in data.items() if each is not None},
        "eventMetadata": {"eventId": "e1", "inferenceTime": "2026-09-21T13:33:19Z"},
        "eventVersion": "0",
    } | more


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (IN_CSV, OUT_CSV),
        (("age,income\n31,2500\n", *CSV), ("0.75\n", *CSV)),
        (('{"age": 31, "income": 2500}', *JSON), ('{"predictions": [0.75]}', *JSON)),
        (("[31, 2500]", *JSON), ("0.75", *JSON)),
        (('{"instances": [[31, 2500]]}', *JSON), ('{"predictions": [{"score": 0.75}]}', *JSON)),
        (('{"instances": [{"features": [31, 2500]}]}', *JSON), ("[0.75]", *JSON)),
        (('{"age": 31, "income": 2500}\n', *LINES), ('{"score": 0.75}\n', *LINES)),
        (IN_CSV, ('{"predictions": [0.75]}', *JSON)),
    ],
)
@pytest.mark.parametrize("form", [lambda *plain: plain, in_base64])
def test_a_capture_is_read_by_its_encoding(given: Side, answer: Side, form: Any) -> None:
    """CSV, JSON, lines and the forms of built-in algorithms give the same event, also in BASE64."""
    [(kind, event)] = events(ENTRY, capture(form(*given), form(*answer)))
    assert kind == "predictions"
    assert event == {
        "model_id": "churn",
        "event_id": "e1",
        "ts": "2026-09-21T13:33:19Z",
        "features": {"age": 31.0, "income": 2500.0},
        "prediction": 0.75,
    }


@pytest.mark.parametrize("answer", ["0.75\n0.25", "0.75,0.25"])
def test_several_rows_of_csv_may_be_answered_in_one_line(answer: str) -> None:
    """XGBoost's container answers so."""
    found = events(ENTRY, capture(("31,2500\n47,3100", *CSV), (answer, *CSV)))
    assert [(e["event_id"], e["features"]["age"], e["prediction"]) for _, e in found] == [
        ("e1_0", 31.0, 0.75),
        ("e1_1", 47.0, 0.25),
    ]


def test_each_side_may_be_alone_and_truth_may_be_merged() -> None:
    """An output is a prediction, an input features, and ground truth a label."""
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}}
    common = {"eventMetadata": {"eventId": "e1"}, "eventVersion": "0"}
    for value, kinds in (
        (capture(None, OUT_CSV), ["predictions"]),
        (capture(IN_CSV, None), ["features"]),
        (capture(IN_CSV, OUT_CSV, **truth), ["predictions", "labels"]),
        (truth | common, ["labels"]),
    ):
        found = events(ENTRY, value)
        assert [kind for kind, _ in found] == kinds
        assert {event["event_id"] for _, event in found} == {"e1"}
        assert ("labels" in kinds) == (found[-1][1].get("label") == "1")


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ((base64.b64encode(b"\x93NUMPY").decode(), "BASE64", "application/x-npy"), "binary"),
        (("31,2500", "BASE64", "text/csv"), "its encoding is BASE64, and its data are not"),
        (("{31", *JSON), "JSON is malformed"),
        ((None, *CSV), "it has no `data` that is a text"),
        (("MzE=", "BASE64", "application/x-recordio"), "CaptureContentTypeHeader"),
    ],
)
def test_what_cannot_be_read_names_its_path(given: Side, detail: str) -> None:
    """It is a dead letter, and no feature whose name or value is a piece of it."""
    with pytest.raises(IntakeError) as refused:
        mapped(ENTRY, capture(given, OUT_CSV))
    assert "`captureData.endpointInput`" in refused.value.detail
    assert detail in refused.value.detail


def test_a_row_may_have_prediction_and_label() -> None:
    """With both in the map, a record that has the label is two events."""
    entry = {"map": {"event_id": "id", "prediction": "y", "label": "truth"}}
    found = events(entry, {"id": 7, "y": 0.5, "truth": 1})
    assert [(kind, event["event_id"]) for kind, event in found] == [
        ("predictions", "7"),
        ("labels", "7"),
    ]
    assert [kind for kind, _ in events(entry, {"id": 7, "y": 0.5})] == ["predictions"]
    assert [kind for kind, _ in events(entry, {"id": 7, "y": 0.5, "truth": None})] == [
        "predictions"
    ]
