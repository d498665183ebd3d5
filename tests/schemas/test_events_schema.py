"""`streamproc schema events` and the code must take and refuse the same."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from test_contract_agrees_with_decode import events, scalars, times, versions, worker

from streamproc import Monitor
from streamproc.config.config import Config
from streamproc.config.json_schema import events_schema
from streamproc.join.decode import decode
from streamproc.join.entry import InputLog
from streamproc.monitor import LogRecord
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.events import EventError, parse_event
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction
from streamproc.schemas.notification_groups import NotificationGroup
from streamproc.schemas.outcomes import OutcomeEvent
from streamproc.schemas.silences import Silence

SCHEMA = events_schema()
STRICT = Config(strict=True)
# What no schema can say: times that leave the years 1 to 9999 in UTC.
BEYOND = {"0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"}
SOURCE = {"topic": "outcomes", "partition": 0, "offset": 7}


def valid(name: str) -> Draft202012Validator:
    """Return what checks a value with the schema of an event; it does not check `format`."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


VALID = {name: valid(name) for name in SCHEMA["$defs"]}


def numbers(value: Any) -> Iterator[float | int]:
    """Yield all numbers in a value."""
    if isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield value


def as_written(event: dict[str, Any]) -> dict[str, Any]:
    """Return what a validator reads of an event; only JSON whose numbers are doubles counts."""
    assume(
        all(math.isfinite(x) if isinstance(x, float) else abs(x) < 2**1023 for x in numbers(event))
    )
    assume(event.get("ts") not in BEYOND if isinstance(event.get("ts"), str) else True)
    assume(event.get("schema_version") != "1\n")  # Python's `$` is not that of JSON Schema
    read: dict[str, Any] = json.loads(json.dumps(event))
    return read


@given(event=events)
@example({"model_id": "m", "features": {}, "ts": "2026-01-05T10:00:00"})
@example({"model_id": "m", "features": {}, "ts": "2026-02-30T10:00:00Z"})
@example({"model_id": "m", "features": {}, "ts": 1e15})
def test_an_event_fits_its_schema_if_and_only_if_it_is_read(event: dict[str, Any]) -> None:
    """With `strict: true` what the schema accepts is watched, and the rest are dead letters."""
    read = as_written(event)
    name = "PredictionEvent" if "prediction" in read else "FeatureEvent"
    assert VALID[name].is_valid(read) == (worker(read) is not None)


labels = st.one_of(
    st.fixed_dictionaries({"label": scalars | st.sampled_from(["x" * 10_000, "x" * 10_001])}),
    st.fixed_dictionaries({"model_id": scalars}),
    st.fixed_dictionaries({"event_id": scalars}),
    st.fixed_dictionaries({"ts": scalars | times}),
    st.fixed_dictionaries({"schema_version": versions | scalars}),
)


@given(change=labels)
@example({"schema_version": "2"})
@example({"label": "x" * 10_001})
def test_a_label_fits_its_schema_if_and_only_if_it_is_joined(change: dict[str, Any]) -> None:
    """The schema, the SDK and the join agree on labels, too."""
    read = as_written({"model_id": "m", "event_id": "a", "label": 1} | change)
    record = LogRecord(0, json.dumps(read).encode())
    found = decode([(InputLog.LABELS, record)], STRICT, ["p", "f", "l"], 0, lambda _: ())
    try:
        parsed = parse_event(read)
    except EventError:
        parsed = None
    assert VALID["LabelEvent"].is_valid(read) == bool(found.items) == (parsed is not None)


def test_outcomes_and_alerts_of_a_stream_fit_their_schemas() -> None:
    """What the pipeline itself writes is what its schema says, whatever fields have no value."""
    monitor = Monitor({"models": [{"id": "m", "online": {"model": "naive_bayes.GaussianNB"}}]})
    stream: list[dict[str, Any]] = []
    for number in range(600):
        at, value = 1_700_000_000 + number, number % 7 + (900 if number > 300 else 0)
        event = {"model_id": "m", "event_id": str(number), "ts": at, "features": {"x": value}}
        stream += [
            event | {"prediction": 0.5},
            {"model_id": "m", "event_id": str(number), "ts": at, "label": number % 2},
        ]
    alerts = monitor.process(stream)
    outcomes = [json.loads(body) for body in monitor._joined]
    assert {outcome["status"] for outcome in outcomes} == {"asked", "labelled", "coverage"}
    assert alerts
    for outcome in outcomes:
        VALID["OutcomeEvent"].validate(outcome)
    for alert in alerts:
        VALID["AlertEvent"].validate(json.loads(alert.to_json()))


OUTCOME = OutcomeEvent.model_validate(
    {
        "outcome_id": "o",
        "status": "labelled",
        "revision": 1,
        "epoch": 1,
        "seq": 0,
        "model_id": "m",
        "event_id": "a",
        "ts": 1767607200,
        "prediction": {"a": 0.9, "b": 0.1},
        "features": {"x": 1, "y": [1.5], "z": None},
        "tags": {"region": "eu"},
        "label": "a",
        "label_ts": "2026-01-06T10:00:00Z",
        "delay": 5,
        "event_source": SOURCE,
        "group": "g",
    }
)
COVERAGE = OutcomeEvent.model_validate(
    {
        "outcome_id": "c",
        "status": "coverage",
        "revision": 0,
        "epoch": 1,
        "seq": 1,
        "model_id": "m",
        "coverage": {"score": {"0.1": (120, 60)}},
    }
)
ANSWER = OnlinePrediction.model_validate(
    {
        "model_id": "m",
        "event_id": "a",
        "prediction": True,
        "source": SOURCE,
        "probabilities": {"true": 0.9, "false": 0.1},
        "version": 3,
        "learned": 12,
    }
)
UPDATE = ModelUpdate.model_validate(
    {
        "update_id": "u",
        "model_id": "m",
        "step": "learned",
        "version": 3,
        "learned": 12,
        "metrics": {"accuracy": 0.9},
        "parameters": {"form": "linear"},
        "source": SOURCE,
    }
)
ALERT = AlertEvent.model_validate(
    {
        "alert_id": "a",
        "incident_id": "i",
        "status": "resolved",
        "reason": "recovered",
        "model_id": "m",
        "kind": "data",
        "series": "feature:x",
        "detector": "adwin",
        "message": "x rose",
        "ts": "2026-01-05T10:00:00Z",
        "detected_at": 1767607201,
        "source": SOURCE,
        "change_point": {"ts": "2026-01-05T09:58:00Z", "offset": 5},
        "before": {"n": 2, "mean": 1, "std": 0.5},
        "segment": {"region": "eu"},
    }
)


def _examples(model: type[Any]) -> dict[str, Any]:
    """Return a mapping with the first example of each field."""
    return {name: info.examples[0] for name, info in model.model_fields.items() if info.examples}


WRITTEN = [
    *(OUTCOME, COVERAGE, ANSWER, UPDATE, ALERT),
    Silence.model_validate(_examples(Silence)),
    NotificationGroup.model_validate(_examples(NotificationGroup)),
    IncidentState.model_validate(_examples(IncidentState)),
]


@pytest.mark.parametrize("event", WRITTEN, ids=lambda event: type(event).__name__)
def test_what_is_written_fits_its_schema(event: Any) -> None:
    """Each kind of record of an output topic fits its definition, with and without values."""
    VALID[type(event).__name__].validate(json.loads(event.to_json()))


def _changed(value: Any) -> Iterator[Any]:
    """Yield a JSON value with one part removed or replaced, all ways."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for replaced in (*_changed(part), *(None, "", "x", 1, 1.5, -1, True, [], {})):
                yield {**value, key: replaced}
    if isinstance(value, list):
        for place, part in enumerate(value):
            for replaced in _changed(part):
                yield [*value[:place], replaced, *value[place + 1 :]]


@pytest.mark.parametrize("event", WRITTEN, ids=lambda event: type(event).__name__)
def test_what_fits_the_schema_of_an_output_is_read(event: Any) -> None:
    """A reader that checks with the schema first never fails in the SDK afterwards."""
    validator, accepted = VALID[type(event).__name__], 0
    for changed in _changed(json.loads(event.to_json())):
        if not validator.is_valid(changed):
            continue
        accepted += 1
        try:
            type(event).from_json(json.dumps(changed))
        except ValidationError as error:
            raise AssertionError(changed) from error
    assert accepted
