import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.client.records import to_record
from streamproc.schemas.events import EventError, PredictionEvent, parse_event

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FEATURES = st.dictionaries(
    TEXT, st.none() | st.booleans() | NUMBERS | TEXT | st.lists(NUMBERS, max_size=4), max_size=8
)


@given(features=FEATURES, prediction=st.booleans() | NUMBERS | TEXT)
def test_a_record_reads_back_as_its_event(features: dict[str, Any], prediction: Any) -> None:
    """What is written is an event of the contract, equal to the one that was given."""
    event = parse_event({"model_id": "m", "features": features, "prediction": prediction})
    record = to_record(event)
    assert PredictionEvent.model_validate_json(record.value) == event
    assert record.stream == "predictions"
    assert record.key == b"m"


def test_only_what_was_given_is_written() -> None:
    """Unset fields and where an event was read are no part of the record."""
    source = {"topic": "t", "partition": 0, "offset": 3}
    record = to_record({"model_id": "m", "label": "cat", "event_id": "1", "source": source})
    assert msgspec.json.decode(record.value) == {"model_id": "m", "label": "cat", "event_id": "1"}


@pytest.mark.parametrize("value", [math.inf, [math.inf], {"a": 1}, object()])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    """Infinity and foreign objects never reach a topic."""
    with pytest.raises(EventError, match=r"features\.x"):
        to_record({"model_id": "m", "features": {"x": value}})
