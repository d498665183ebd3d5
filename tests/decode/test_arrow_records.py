"""Records of Arrow are read as the same events of JSON are."""

import json
import sys
from datetime import UTC, datetime
from itertools import pairwise
from struct import pack
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from arrow_logs import arrow, event, ipc, json_of, rows, table_of
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import NOW, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.schemas.content_types import ARROW_FILE as FILE
from streamproc.schemas.content_types import ARROW_STREAM as STREAM
from streamproc.schemas.records import Reason, SliceResult

TABLE = pa.table(
    {
        "model_id": ["m"] * 3,
        "event_id": ["a", "b", "c"],
        "ts": [1.7e9, 1.7e9 + 1, 1.7e9 + 2],
        "prediction": [0.5, 0.25, 0.75],
        "x": [1.0, 2.0, None],
    }
)


def seen(outcome: SliceResult) -> tuple[Any, ...]:
    """Return what a user sees of a result, without the words of the JSON decoder."""
    letters = [(each.reason, each.offset, each.index) for each in outcome.dead_letters]
    return outcome.alerts, outcome.positions, outcome.events, letters


def known(target: Any) -> dict[str, Any]:
    """Return all state but the digests of events, which are of other bytes."""
    return {name: each for name, each in state(target).items() if name != "recent"}


@settings(max_examples=12, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32), count=st.integers(30, 900))
@pytest.mark.parametrize("kind", [Topic.PREDICTIONS, Topic.FEATURES])
@pytest.mark.parametrize("strict", [False, True])
def test_rows_give_the_alerts_of_the_same_events_of_json(
    data: st.DataObject, seed: int, count: int, kind: Topic, *, strict: bool
) -> None:
    """However events are split into records and slices, with bad, odd and repeated ones."""
    log = rows(count, seed, models=data.draw(st.sampled_from([("m",), ("m", "k", "l")])))
    edges = [0, *sorted(data.draw(st.sets(st.integers(1, len(log) - 1), max_size=12))), len(log)]
    parts = [log[start:stop] for start, stop in pairwise(edges)]
    cuts = data.draw(st.sets(st.integers(1, len(parts)), max_size=4))
    as_json, as_arrow = shard({"strict": strict}, kind), shard({"strict": strict}, kind)
    wanted = run(as_json, [record(at, json_of(part)) for at, part in enumerate(parts)], cuts)
    found = run(as_arrow, [arrow(at, table_of(part)) for at, part in enumerate(parts)], cuts)
    assert seen(found) == seen(wanted)
    assert known(as_arrow) == known(as_json)


def test_a_feature_that_moves_is_found() -> None:
    """The rows of these tests raise alerts."""
    log = rows(900, 1)
    parts = [log[at : at + 100] for at in range(0, len(log), 100)]
    outcome = run(shard(), [arrow(at, table_of(part)) for at, part in enumerate(parts)])
    assert any(alert.series == "feature:x" for alert in outcome.alerts)


@pytest.mark.parametrize("form", [STREAM, FILE])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_streams_and_files_are_read_compressed_or_not(form: str, compression: str | None) -> None:
    """By the content type, in any case and with parameters."""
    value = ipc(TABLE, form, compression)
    header = f"{form.upper()}; version=1".encode()
    outcome = run(shard(), [record(0, value, headers=[("Content-Type", header)])])
    assert (outcome.events, outcome.dead_letters) == (3, [])


def test_a_bad_row_costs_that_row_and_can_be_sent_again() -> None:
    """Its dead letter is the row as JSON, with its index and the content type of JSON."""
    table = TABLE.set_column(0, "model_id", pa.array(["m", None, "m"]))
    outcome = run(shard(), [arrow(7, table)])
    [letter] = outcome.dead_letters
    assert outcome.events == 2
    assert (letter.reason, letter.offset, letter.index) == (Reason.MISSING_FIELD, 7, 1)
    assert json.loads(letter.value or b"")["event_id"] == "b"
    assert list(letter.headers) == [("content-type", b"application/json")]


NOT_ARROW = [
    (b'[{"model_id": "m", "prediction": 1}]', Reason.CORRUPT, "not a stream of Arrow"),
    (ipc(TABLE)[:300], Reason.CORRUPT, "not a stream of Arrow"),
    (ipc(TABLE.slice(0, 0)), Reason.EMPTY, "no event"),
    (ipc(TABLE.drop(["model_id"])), Reason.MISSING_FIELD, "no column 'model_id'"),
    (ipc(pa.table([["m"], [1], [2]], ["model_id", "x", "x"])), Reason.WRONG_TYPE, "'x' twice"),
]


@pytest.mark.parametrize(("value", "reason", "words"), NOT_ARROW)
def test_what_is_not_a_table_of_events_is_one_dead_letter(
    value: bytes, reason: Reason, words: str
) -> None:
    """With the bytes as they were sent."""
    headers = (("content-type", STREAM.encode()),)
    outcome = run(shard(), [record(0, value, headers=headers)])
    [letter] = outcome.dead_letters
    assert (letter.reason, letter.index, letter.value) == (reason, -1, value)
    assert words in letter.detail
    assert letter.headers == headers


def zeros(count: int) -> pa.Table:
    """Make a table that compresses well."""
    return pa.table({"model_id": ["m"] * count, "x": np.zeros(count)})


WIDE = pa.table({"model_id": pa.DictionaryArray.from_arrays([0] * 99, ["m" * 2_000])})
SHARED = pa.Array.from_buffers(  # 99 views of the same text
    pa.string_view(),
    99,
    [None, pa.py_buffer(pack("<i4sii", 2_000, b"mmmm", 0, 0) * 99), pa.py_buffer(b"m" * 2_000)],
)
NESTED = pa.table({"model_id": ["m"] * 99, "f": pa.StructArray.from_arrays([SHARED], ["a"])})
VIEWS = pa.table({"model_id": pa.array(["m" * 2_000] * 99, pa.string_view())})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (ipc(zeros(10_000), STREAM, "zstd", rows=10_000), "decompressed"),
        (ipc(zeros(10_000), FILE, "lz4", rows=10_000), "decompressed"),
        (ipc(zeros(10_000)), "bytes exceed"),
        (ipc(pa.table({"model_id": pa.nulls(9_000)}), rows=9_000), "rows of 16 bytes"),
        (ipc(WIDE, rows=99), "texts of 198000 bytes"),
        (ipc(VIEWS, STREAM, "zstd", rows=99), "limits.record_bytes"),
        (ipc(NESTED, rows=99), "texts of 198000 bytes"),
    ],
)
def test_a_record_may_not_grow_beyond_its_limit(value: bytes, words: str) -> None:
    """What is small because it is compressed or repeated counts as what it becomes."""
    headers = (("content-type", STREAM.encode()),)
    target = shard({"limits": {"record_bytes": 100_000}})
    [letter] = run(target, [record(0, value, headers=headers)]).dead_letters
    assert letter.reason is Reason.TOO_LARGE
    assert words in letter.detail


def test_without_pyarrow_a_dead_letter_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is in its reason; other records are read."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = run(shard(), [arrow(0, TABLE), record(1, event(rows(1, 2)[0]))])
    [letter] = outcome.dead_letters
    assert letter.reason is Reason.UNSUPPORTED_CONTENT_TYPE
    assert "pip install 'streamproc[parquet]'" in letter.detail
    assert outcome.events == 1


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("ts", pa.array([1_767_607_200_123] * 2, pa.timestamp("ms", "UTC"))),
        ("ts", pa.array([1_767_607_200_123_456_789] * 2, pa.timestamp("ns", "Europe/Berlin"))),
        ("ts", pa.array([1_767_607_200] * 2, pa.timestamp("s"))),
        ("ts", pa.array([1_767_607_200_123] * 2)),
        ("event_id", pa.array([7, 8])),
        ("event_id", pa.array(["a", "b"]).dictionary_encode()),
        ("model_id", pa.array(["m", "m"]).dictionary_encode()),
        ("tags", pa.array([[("region", "eu")], None], pa.map_(pa.string(), pa.string()))),
        ("tags", pa.array([{"region": "eu", "zone": None}, None])),
        ("features", pa.array([{"a": 1.5, "b": 2}, None])),
        ("x", pa.array([1.5, float("nan")], pa.float16())),
        ("x", pa.array([True, None])),
        ("country", pa.array(["DE", None])),
        ("vector", pa.array([[0.5, 1.0], None])),
    ],
)
def test_columns_of_the_usual_types_are_read(name: str, column: pa.Array) -> None:
    """Times with and without a zone, ids of integers, dictionaries, structures and lists."""
    columns = {"model_id": pa.array(["m", "m"]), "prediction": pa.array([0.5, 0.25])}
    outcome = run(shard(), [arrow(0, pa.table(columns | {name: column}))])
    assert (outcome.events, outcome.dead_letters) == (2, [])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"a", b"b"]),
        pa.array([1, 2], pa.duration("s")),
        pa.array([2**62, 1], pa.timestamp("s", "UTC")),
    ],
)
def test_a_feature_that_json_does_not_have_is_missing_and_reported(column: pa.Array) -> None:
    """It costs neither the row nor the other features."""
    table = pa.table({"model_id": ["m", "m"], "prediction": [0.5, 0.25], "odd": column})
    outcome = run(shard(), [arrow(0, table)])
    assert (outcome.events, outcome.dead_letters) == (2, [])
    assert any("feature 'odd'" in alert.message for alert in outcome.alerts)


def test_a_time_that_no_calendar_has_costs_its_row() -> None:
    """The year 146 billion is not taken for another time."""
    ts = pa.array([2**62, 1_767_607_200], pa.timestamp("s", "UTC"))
    table = pa.table({"model_id": ["m", "m"], "prediction": [0.5, 0.25], "ts": ts})
    outcome = run(shard(), [arrow(0, table)])
    assert [(each.reason, each.index) for each in outcome.dead_letters] == [(Reason.WRONG_TYPE, 0)]
    assert outcome.events == 1


def test_a_record_that_comes_twice_counts_once() -> None:
    """Its events are recognised by all of their values, whatever the order of the columns is."""
    table = table_of([{**row, "event_id": str(at)} for at, row in enumerate(rows(60, 3))])
    table = table.filter(table["model_id"].is_valid())
    target = shard()
    first = target.process([arrow(0, table)], NOW)
    turned = table.select(table.column_names[::-1])
    again = target.process([arrow(1, table), arrow(2, turned)], NOW)
    assert (again.events, again.repeated) == (0, 2 * first.events)


def test_integer_ids_and_local_times_are_converted_as_those_of_json() -> None:
    """They are counted and reported as for JSON, however many rows a record has."""
    log = [row for row in rows(300, 5) if row["model_id"] and row["ts"] and row["ts"] < 1e12]
    seconds = pa.array([int(row["ts"]) for row in log], pa.timestamp("s"))
    table = table_of(log).set_column(2, "ts", seconds)
    table = table.set_column(1, "event_id", pa.array(range(len(log))))
    texts = [datetime.fromtimestamp(int(row["ts"]), UTC).isoformat()[:-6] for row in log]
    events = [
        event(row) | {"event_id": at, "ts": text}
        for at, (row, text) in enumerate(zip(log, texts, strict=True))
    ]
    wanted = shard().process([record(0, json.dumps(events).encode())], NOW)
    found = shard().process([arrow(0, table)], NOW)
    assert found.fields == wanted.fields
    assert seen(found) == seen(wanted)
    assert wanted.fields["coerced"] >= 2 * len(log)
