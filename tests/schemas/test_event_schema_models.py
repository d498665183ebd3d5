from typing import Any

import pytest
from pydantic import ValidationError

from streamproc.schemas.events import (
    Coordinate,
    EventError,
    FeatureEvent,
    LabelEvent,
    PredictionEvent,
    parse_event,
)

EXAMPLE: dict[str, Any] = {
    "model_id": "fraud",
    "event_id": "9f2c",
    "ts": "2026-01-05T10:00:00Z",
    "model_version": "7",
    "features": {
        "amount": 12.5,
        "country": "DE",
        "new_device": False,
        "age": None,
        "embedding": [0.1, 0.2],
    },
    "prediction": 0.93,
    "tags": {"region": "eu"},
}


def test_the_contracts_example_is_kept_as_it_is() -> None:
    """Every field of the example has the value and the type that was written."""
    event = parse_event(EXAMPLE)
    assert isinstance(event, PredictionEvent)
    assert event.features == EXAMPLE["features"]
    assert event.features is not None
    assert event.features["new_device"] is False
    assert (event.prediction, event.tags) == (0.93, {"region": "eu"})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"label": 1, "event_id": "a", "prediction": 1}, LabelEvent),
        ({"prediction": "cat"}, PredictionEvent),
        ({"features": {}}, FeatureEvent),
    ],
)
def test_the_fields_tell_the_kind(fields: dict[str, Any], kind: type) -> None:
    """A label makes a label event, else a prediction a prediction event, else features."""
    assert type(parse_event({"model_id": "m", **fields})) is kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1.0", str), ("true", str), (1, float), (True, bool), (0.5, float), ([1, 2], list)],
)
def test_a_feature_keeps_its_type(value: object, kind: type) -> None:
    """Text of digits stays a category, 1 a number, true a boolean."""
    event = FeatureEvent.model_validate({"model_id": "m", "features": {"x": value}})
    assert type(event.features["x"]) is kind
    assert event.features["x"] == value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        10**400,
        {},
        [True],
        ["a"],
        [None],
        [float("nan")],
        b"x",
        (1.0,),
        "\ud800",
    ],
)
def test_a_feature_of_another_type_is_refused(value: object) -> None:
    """What is not finite, not flat or not of the contract's types is an error."""
    with pytest.raises(EventError, match=r"features\.x: expected a finite number"):
        parse_event({"model_id": "m", "features": {"x": value}})


@pytest.mark.parametrize("value", [0.93, 3, True, "cat", {"cat": 0.9, "dog": 0.1}, {"cat": 1}])
def test_a_prediction_is_a_number_a_class_or_probabilities(value: object) -> None:
    """The contract's four forms are taken, a boolean as a boolean."""
    event = PredictionEvent.model_validate({"model_id": "m", "prediction": value})
    assert event.prediction == value
    assert (event.prediction is True) == (value is True)


@pytest.mark.parametrize(
    "value", [None, [0.1], {}, {"cat": 1.01}, {"cat": -0.1}, {"cat": "1"}, float("inf")]
)
def test_any_other_prediction_is_refused(value: object) -> None:
    """Null, lists, no class at all and values that are not probabilities are errors."""
    with pytest.raises(EventError, match="prediction: expected"):
        parse_event({"model_id": "m", "prediction": value})


@pytest.mark.parametrize("model_id", ["", "x" * 256, 7, None, True, "\ud800"])
def test_a_model_id_is_a_text_of_1_to_255_characters(model_id: object) -> None:
    """Anything else is an error that names the field."""
    with pytest.raises(EventError, match="FeatureEvent: model_id: "):
        parse_event({"model_id": model_id, "features": {}})
    assert parse_event({"model_id": "ü" * 255, "features": {}}).model_id == "ü" * 255


@pytest.mark.parametrize("field", ["event_id", "model_version", "ts", "tags", "features"])
def test_an_optional_field_may_be_null(field: str) -> None:
    """Producers that write null for what they do not know are understood."""
    event = parse_event({"model_id": "m", "prediction": 1, field: None})
    assert getattr(event, field) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("event_id", 7), ("model_version", 7), ("tags", {"a": 1}), ("tags", []), ("ts", "today")],
)
def test_an_optional_field_of_another_type_is_refused(field: str, value: object) -> None:
    """Numbers are not made texts, nor texts times."""
    with pytest.raises(EventError, match=f"PredictionEvent: {field}: "):
        parse_event({"model_id": "m", "prediction": 1, field: value})


def test_unknown_fields_are_ignored() -> None:
    """A newer producer's field does no harm, even one that streamproc names elsewhere."""
    event = parse_event({"model_id": "m", "features": {}, "new": object(), "source": "web"})
    assert event == FeatureEvent(model_id="m", features={})


def test_a_full_coordinate_is_kept() -> None:
    """Events read from the log can carry where they were, for replay."""
    place = {"topic": "predictions", "partition": 3, "offset": 12}
    event = parse_event({"model_id": "m", "prediction": 1, "source": place})
    assert event.source == Coordinate(topic="predictions", partition=3, offset=12, index=0)


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"partition": "0"}, {"topic": ""}])
def test_a_wrong_coordinate_is_refused(wrong: dict[str, object]) -> None:
    """A replay from a wrong place would give other alert ids."""
    place = {"topic": "predictions", "partition": 3, "offset": 12, **wrong}
    with pytest.raises(EventError, match="source"):
        parse_event({"model_id": "m", "features": {}, "source": place})


def test_every_wrong_field_is_named_once() -> None:
    """The message has all that the producer must correct."""
    with pytest.raises(EventError) as caught:
        parse_event({"prediction": None, "features": {"a": {}, "b": 1}, "ts": "now"})
    message = str(caught.value)
    assert [message.count(name) for name in ("model_id:", "features.a:", "prediction:")] == [1] * 3
    assert "features.b" not in message


def test_events_cannot_be_changed() -> None:
    """Assigning to a field is an error."""
    event = FeatureEvent(model_id="m", features={})
    with pytest.raises(ValidationError):
        event.model_id = "other"
