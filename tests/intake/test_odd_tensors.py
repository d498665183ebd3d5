"""Tensors and tables of unusual shape are read as what they are, or are dead letters."""

import contextlib
import random
import struct
from typing import Any

import pytest
from test_foreign_records import (
    REQUEST,
    RESPONSE,
    cloud_headers,
    events,
    field,
    mapped,
    tensor,
)

from streamproc.intake.errors import IntakeError

KSERVE = {"preset": "kserve"}


def of(name: str, shape: Any, data: Any, datatype: str = "FP32") -> dict[str, Any]:
    """Return a tensor of the Open Inference Protocol."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def answers(outputs: list[dict[str, Any]], entry: dict[str, Any] = KSERVE) -> list[Any]:
    """Return the predictions of a response."""
    found = events(entry, {"outputs": outputs}, headers=cloud_headers(RESPONSE))
    return [event["prediction"] for _, event in found]


def refusal(value: Any, kind: str = REQUEST, entry: dict[str, Any] = KSERVE) -> str:
    """Return why a record is refused."""
    with pytest.raises(IntakeError) as refused:
        mapped(entry, value, headers=cloud_headers(kind))
    return refused.value.detail


def test_of_several_outputs_probabilities_are_the_prediction() -> None:
    """A label beside them, as sklearn's classifiers give it, is not the probability of a class."""
    label = of("label", [2], [0, 1], "INT64")
    chances = of("probabilities", [2, 2], [0.75, 0.25, 0.5, 0.5])
    assert answers([label, chances]) == [{"0": 0.75, "1": 0.25}, {"0": 0.5, "1": 0.5}]
    classes = [of("cat", [1], [0.25]), of("dog", [1], [0.75])]
    assert answers(classes) == [{"cat": 0.25, "dog": 0.75}]


def test_one_of_several_outputs_can_be_named() -> None:
    """Where none of them has probabilities, the dead letter shows how."""
    outputs = [of("price", [1], [12.5]), of("volume", [1], [700])]
    assert "`prediction: {tensors: outputs.0}`" in refusal({"outputs": outputs}, RESPONSE)
    entry = {"preset": "kserve", "map": {"prediction": {"tensors": "outputs.1"}}}
    assert answers(outputs, entry) == [700.0]


def test_a_prediction_that_cannot_be_read_is_refused() -> None:
    """Without features nothing is left of the event; the dead letter shows how to name a part."""
    scored = {"predictions": [{"label": "a", "score": 0.75}]}
    assert "`prediction: predictions.0.score`" in refusal(scored, RESPONSE)
    entry = {"preset": "kserve", "map": {"prediction": "predictions.0.score"}}
    [(_, event)] = events(entry, scored, headers=cloud_headers(RESPONSE))
    assert event["prediction"] == 0.75
    [(kind, _)] = events(entry, {"instances": [{"a": 1}]}, headers=cloud_headers(REQUEST))
    assert kind == "features", "the prediction is not sought in requests"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"inputs": [of("a", [-1, 2], [1, 2])]}, "tensor 'a' has the shape [-1, 2]"),
        ({"inputs": [of("a", [None], [1])]}, "tensor 'a' has the shape [None]"),
        ({"inputs": [of("a", [10**12], [1])]}, "tensor 'a' has 1 values for 1000000000000 rows"),
        ({"inputs": [of("a", [2], [])]}, "tensor 'a' has 0 values for 2 rows"),
        ({"dataframe_split": {"columns": [[1]], "data": [[1]]}}, "`dataframe_split.columns`"),
        ({"dataframe_split": {"columns": 7, "data": [[1]]}}, "`dataframe_split.columns`"),
        ({"instances": 0.5}, "`instances` is neither a list nor columns"),
    ],
)
def test_an_impossible_shape_is_a_dead_letter(body: Any, detail: str) -> None:
    """It names the tensor or table, and neither ends the worker nor fills its memory."""
    assert detail in refusal(body)


def test_text_that_is_not_json_is_a_dead_letter() -> None:
    """Inference tables cut long requests."""
    row = {"status_code": 200, "request": '{"dataframe_records": [{"a', "response": "{}"}
    assert refusal(row, entry={"preset": "databricks"}).startswith("`request`: Input data was")


def test_protobuf_of_any_bytes_is_an_event_or_a_dead_letter() -> None:
    """A message that is cut or changed at random raises nothing else."""
    draw = random.Random(7)
    raw = field(5, tensor("score", "FP32", [1, 2], b"")) + field(6, struct.pack("<2f", 0.25, 0.75))
    typed = field(5, tensor("plan", "BYTES", [2], field(8, b"pro") + field(8, b"x")))
    entry: dict[str, Any] = {"preset": "seldon"}
    for _ in range(3000):
        value = bytearray(draw.choice([raw, typed]))
        for _ in range(draw.randrange(3)):
            value[draw.randrange(len(value))] = draw.randrange(256)
        cut = bytes(value[: draw.randrange(1, len(value) + 1)])
        with contextlib.suppress(IntakeError):
            mapped(entry, cut, topic="seldon.a.model.m.outputs")
