"""`Monitor.process` takes tables as data scientists have them."""

import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streamproc import Monitor
from streamproc.tabular import RowError
from streamproc.tabular.data_frame import frame_events

ROWS = 1_200
draw = np.random.default_rng(1)
COLUMNS: dict[str, Any] = {
    "model_id": ["fraud"] * ROWS,
    "event_id": [str(number) for number in range(ROWS)],
    "ts": [1_700_000_000 + number for number in range(ROWS)],
    "prediction": draw.random(ROWS).tolist(),
    "label": (draw.random(ROWS) < 0.5).tolist(),
    "amount": [float(x) for x in draw.normal(0, 1, 800)]
    + [float(x) for x in draw.normal(9, 1, 400)],
    "country": draw.choice(["DE", "FR"], ROWS).tolist(),
}


class Exported:
    """A table of a library that we do not know, which exports Arrow's stream."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Interchanged:
    """One that has the older data frame interchange protocol alone."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __dataframe__(self, **options: Any) -> object:
        return self._table.__dataframe__(**options)


def events() -> list[dict[str, Any]]:
    """Return the same as events."""
    found: list[dict[str, Any]] = []
    for place in range(ROWS):
        row = {name: column[place] for name, column in COLUMNS.items()}
        label = row.pop("label")
        features = {name: row.pop(name) for name in ("amount", "country")}
        found.append({**row, "features": features})
        named = {name: row[name] for name in ("model_id", "event_id", "ts")}
        found.append({**named, "label": label})
    return found


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        lambda columns: Exported(pa.table(columns)),
        lambda columns: Interchanged(pa.table(columns)),
        lambda columns: pd.DataFrame(columns).set_index("event_id"),
    ],
    ids=["pandas", "polars", "arrow", "arrow stream", "interchange", "pandas with an index"],
)
def test_a_table_gives_the_alerts_of_its_rows(make: Any) -> None:
    """Whatever library it is of, columns are fields or features, and labels follow their rows."""
    expected = Monitor().process(events())
    monitor = Monitor()
    found = monitor.process(make(COLUMNS))
    assert [alert.alert_id for alert in found] == [alert.alert_id for alert in expected]
    assert any(alert.series == "feature:amount" for alert in found)
    assert sum(outcome.status == "labelled" for outcome in monitor.outcomes) == ROWS


def test_missing_values_and_times_of_columns() -> None:
    """NaN, NaT and null are missing, times are times, structures are features by their names."""
    frame = pd.DataFrame(
        {
            "model_id": ["m", "m"],
            "event_id": [1, 2],
            "ts": pd.to_datetime(["2026-01-05T10:00:00Z", None]),
            "label": [np.nan, 1.0],
            "x": [np.nan, 2.0],
        }
    )
    first, second, label = frame_events(frame)
    assert set(first) == {"model_id", "event_id", "ts", "features"}
    assert set(second) == {"model_id", "event_id", "features"}
    assert label == {"model_id": "m", "event_id": 2, "label": 1.0}
    nested = pl.DataFrame({"model_id": ["m"], "features": [{"a": 1.5}], "tags": [{"region": "eu"}]})
    assert list(frame_events(nested)) == [
        {"model_id": "m", "tags": {"region": "eu"}, "features": {"a": 1.5}}
    ]
    nanoseconds = pa.array([1_767_607_200_123_456_789], pa.timestamp("ns", "UTC"))
    [event] = frame_events(pa.table({"model_id": ["m"], "ts": nanoseconds, "x": [1]}))
    assert event["ts"].isoformat() == "2026-01-05T10:00:00.123456+00:00"


def test_a_table_of_labels_gives_labels_alone() -> None:
    """Without features and predictions there is nothing to watch."""
    frame = pl.DataFrame({"model_id": ["m"], "event_id": ["1"], "label": [True]})
    assert list(frame_events(frame)) == [{"model_id": "m", "event_id": "1", "label": True}]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"x": [1]}), "no column 'model_id'"),
        (pl.DataFrame({"model_id": ["m"], "label": [1]}), "no column 'event_id'"),
        (pd.DataFrame([["m", 1, 2]], columns=["model_id", "x", "x"]), "column 'x' twice"),
    ],
)
def test_what_is_missing_in_a_table_is_named(frame: Any, message: str) -> None:
    """A table without model, or whose labels cannot be joined, is refused as a whole."""
    with pytest.raises(RowError, match=message):
        Monitor().process(frame)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_pandas_and_polars_need_no_arrow(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the libraries is a dependency: each table is read by its own methods."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    [event] = frame_events(make({"model_id": ["m"], "x": [1.5]}))
    assert event == {"model_id": "m", "features": {"x": 1.5}}


def test_an_unknown_table_without_pyarrow_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Arrow's stream of another library needs pyarrow, and the message says so."""
    monkeypatch.setattr("streamproc.tabular.data_frame.find_spec", lambda _: None)
    with pytest.raises(RowError, match="pip install"):
        list(frame_events(Exported(pa.table({"model_id": ["m"]}))))
