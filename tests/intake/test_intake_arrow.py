"""Rows of Arrow in foreign topics become the events that the same rows of JSON give."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from decode.arrow_logs import ipc

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.intake.mapper import Mapper
from streamproc.intake.records import MappedSlice, map_records
from streamproc.monitor import LogRecord
from streamproc.schemas.content_types import ARROW_FILE, ARROW_STREAM

MAP = {
    "model_id": "meta.model",
    "event_id": "id",
    "ts": "at",
    "prediction": "score",
    "features": {"omit": ["meta"]},
}
ROWS: list[dict[str, Any]] = [
    {"id": 1, "at": "2026-01-05T10:00:00", "score": 0.5, "meta": {"model": "a"}, "price": 12.5},
    {"id": 2, "at": "2026-01-05T10:00:01", "score": 0.25, "meta": {"model": "b"}, "price": None},
]
TABLE = pa.table(
    {
        "id": [1, 2],
        "at": pa.array([datetime(2026, 1, 5, 10, 0, each) for each in (0, 1)]),  # noqa: DTZ001
        "score": [0.5, 0.25],
        "meta": [{"model": "a"}, {"model": "b"}],
        "price": pa.array([Decimal("12.5"), None]),
    }
)


def mapped(record: LogRecord, **entry: Any) -> MappedSlice:
    """Map a record of partition 3."""
    config: Config = load({"intake": [{"from": {"topics": ["t"]}, "map": MAP} | entry]})
    return map_records(Mapper(config.intake[0], config), [(3, record)], "t")


def arrow(table: pa.Table, form: str | None = ARROW_STREAM) -> LogRecord:
    """Return a record of a table; without a content type if the form is None."""
    headers = () if form is None else (("Content-Type", form.encode()),)
    return LogRecord(7, ipc(table, form or ARROW_STREAM), 1_767_607_200_000, None, headers)


@pytest.mark.parametrize(
    ("form", "entry"), [(ARROW_STREAM, {}), (ARROW_FILE, {}), (None, {"format": "arrow"})]
)
def test_rows_become_the_events_of_the_same_json(form: str | None, entry: dict[str, Any]) -> None:
    """Each row goes to its model, with the same bytes: times, decimals and nulls included."""
    expected = mapped(LogRecord(7, json.dumps(ROWS).encode(), 1_767_607_200_000)).events
    found = mapped(arrow(TABLE, form), **entry)
    assert found.events == expected
    assert [event.model_id for event in expected] == ["a", "b"]
    assert found.dead_letters == []


def test_rows_without_ids_get_their_coordinates() -> None:
    """Topic, partition, offset and row, so that a repeated record gives the same events."""
    found = mapped(arrow(TABLE.drop_columns(["id"])))
    ids = [json.loads(event.body)["event_id"] for event in found.events]
    assert ids == ["t-3-7_0", "t-3-7_1"]


@pytest.mark.parametrize("form", [ARROW_STREAM, None])
def test_a_bad_row_costs_itself_and_can_be_sent_again(form: str | None) -> None:
    """Its dead letter is JSON, which the entry maps once its cause is corrected."""
    entry = {} if form else {"format": "arrow"}
    bad = pa.table({"id": [1, 2], "score": [0.5, 0.25], "meta": [{"model": "a"}, {"model": ""}]})
    found = mapped(arrow(bad, form), **entry)
    assert [event.model_id for event in found.events] == ["a"]
    [letter] = found.dead_letters
    assert (letter.index, letter.offset) == (1, 7)
    assert json.loads(letter.value or b"") == {"id": 2, "score": 0.25, "meta": {"model": ""}}
    assert ("content-type", b"application/json") in letter.headers
    corrected = (letter.value or b"").replace(b'""', b'"b"')
    again = mapped(LogRecord(8, corrected, 0, None, letter.headers), **entry)
    assert [event.model_id for event in again.events] == ["b"]


def test_an_item_of_a_json_list_costs_itself() -> None:
    """One that cannot be read is a dead letter; a list of nothing else is one as it is."""
    rows = [ROWS[0], {"id": 3}, "?"]
    found = mapped(LogRecord(7, json.dumps(rows).encode()))
    assert [event.model_id for event in found.events] == ["a"]
    assert [letter.value for letter in found.dead_letters] == [b'{"id":3}', b'"?"']
    lost = mapped(LogRecord(7, b'["?", "!"]', 0, b"k"))
    assert [(each.index, each.value, each.key) for each in lost.dead_letters] == [
        (-1, b'["?", "!"]', b"k")
    ]


def test_what_is_not_arrow_is_one_dead_letter() -> None:
    """The reason says what was expected."""
    headers = (("content-type", ARROW_STREAM.encode()),)
    [letter] = mapped(LogRecord(7, b"?", 0, None, headers)).dead_letters
    assert (letter.reason.value, letter.value) == ("corrupt", b"?")


def test_rows_that_are_much_longer_as_json_are_refused() -> None:
    """Nulls take no space in Arrow, and names are there once."""
    table = pa.table({f"a column of nulls, number {at}": pa.nulls(30_000) for at in range(100)})
    value, headers = ipc(table, rows=30_000), (("content-type", ARROW_STREAM.encode()),)
    assert len(value) < 200_000
    [letter] = mapped(LogRecord(7, value, 0, None, headers)).dead_letters
    assert letter.reason.value == "too_large"
    assert "send fewer" in letter.detail


def test_times_are_texts_in_any_column() -> None:
    """A date is a category, as in JSON."""
    table = TABLE.append_column("day", pa.array([datetime(2026, 1, 5, tzinfo=UTC).date()] * 2))
    [first, _] = mapped(arrow(table)).events
    assert json.loads(first.body)["features"]["day"] == "2026-01-05"
