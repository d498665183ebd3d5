"""Values as Connect and Debezium write them by default become what they are in the database."""

import base64
from typing import Any

import pytest
from test_foreign_records import events, mapped

DECIMAL = "org.apache.kafka.connect.data.Decimal"
VARIABLE = "io.debezium.data.VariableScaleDecimal"
ENTRY = {"preset": "connect", "map": {"prediction": "score"}}


def encoded(digits: int) -> str:
    """Return a number as Connect's JSON has it."""
    return base64.b64encode(digits.to_bytes(4, "big", signed=True)).decode()


def row(name: str, schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """Return a row with its schema, with a column that is to be read."""
    fields = [{"field": "id", "type": "int32"}, {"field": "score", "type": "double"}]
    return {
        "schema": {"type": "struct", "fields": [*fields, {"field": name} | schema]},
        "payload": {"id": 1, "score": 0.5, name: value},
    }


@pytest.mark.parametrize(
    ("digits", "scale", "number"), [(500, 2, 5.0), (-1250, 2, -12.5), (7, 0, 7.0), (7, -2, 700.0)]
)
def test_a_decimal_is_a_number(digits: int, scale: int, number: float) -> None:
    """Its BASE64 is not watched as a category: the schema says how many places it has."""
    plain = {"type": "bytes", "name": DECIMAL, "parameters": {"scale": str(scale)}}
    variable = {"type": "struct", "name": VARIABLE}
    text = encoded(digits)
    for value in (
        row("amount", plain, text),
        row("amount", variable, {"scale": scale, "value": text}),
    ):
        [(_, event)] = events(ENTRY, value)
        assert event["features"] == {"amount": number}


@pytest.mark.parametrize("scale", ["x", None, "999999999999", {}])
def test_a_decimal_that_cannot_be_read_stays_what_it_is(scale: Any) -> None:
    """Another schema than Connect's costs nothing but its column."""
    schema = {"type": "bytes", "name": DECIMAL, "parameters": {"scale": scale}}
    [(_, event)] = events(ENTRY, row("amount", schema, "AfQ="))
    assert event["features"] == {"amount": "AfQ="}


def test_deletes_that_are_rewritten_as_rows_are_skipped() -> None:
    """ExtractNewRecordState keeps a deleted row, and marks it."""
    entry = {"preset": "debezium", "map": {"event_id": "id", "label": "y"}}
    for mark in ({"__deleted": "true"}, {"__op": "d"}):
        assert mapped(entry, {"id": 1, "y": True} | mark).skipped
    [(kind, _)] = events(entry, {"id": 1, "y": True, "__deleted": "false", "__op": "u"})
    assert kind == "labels"
