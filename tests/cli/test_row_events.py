from typing import Any

import pytest
import typer
from river.stream import simulate_qa

from streamproc.cli.columns import Roles
from streamproc.cli.row_events import RowReader
from streamproc.tabular import Row, RowError

COLUMNS = ("when", "key", "x", "y", "score", "truth")
NONE: dict[str, Any] = {"prediction": None, "label": None, "ts": None, "identity": None}


def _given(reader: RowReader, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all events and labels in the order in which they are sent."""
    numbered = [Row(number, row) for number, row in enumerate(rows, start=1)]
    found: list[dict[str, Any]] = []
    for row in reader.events(numbered):
        found += row.events
    return found


def test_columns_that_no_flag_names_are_features() -> None:
    """Every column is a feature unless it is something else."""
    named = {"prediction": "score", "label": "truth", "ts": "when", "identity": "key"}
    assert Roles.choose(COLUMNS, None, **named).features == ("x", "y")
    assert Roles.choose(COLUMNS, None, **NONE).features == COLUMNS
    assert Roles.choose(COLUMNS, ("y", "score"), **named).features == ("y", "score")


@pytest.mark.parametrize("flag", ["prediction", "label", "ts", "identity"])
def test_an_unknown_column_is_wrong_usage(flag: str) -> None:
    """A column that does not exist is refused by naming those that do."""
    with pytest.raises(typer.BadParameter, match="no column 'nope'; the file has when, key, x"):
        Roles.choose(COLUMNS, None, **{**NONE, flag: "nope"})


def test_an_unknown_feature_is_wrong_usage() -> None:
    """A feature that does not exist is refused as well."""
    with pytest.raises(typer.BadParameter, match="no column 'z'"):
        Roles.choose(COLUMNS, ("x", "z"), **NONE)


def test_rows_without_roles_are_feature_events() -> None:
    """A row becomes features under the row's number, from 0."""
    reader = RowReader("f", "m", Roles(features=("x", "y")))
    assert _given(reader, [{"x": 1.0, "y": None}, {"x": 2.0}]) == [
        {"model_id": "m", "event_id": "0", "features": {"x": 1.0, "y": None}},
        {"model_id": "m", "event_id": "1", "features": {"x": 2.0, "y": None}},
    ]


def test_each_role_is_where_it_belongs() -> None:
    """Prediction, time and id are taken from their columns, and the label comes after."""
    roles = Roles(("x",), prediction="score", label="truth", ts="when", identity="key")
    row = {"x": 1.0, "score": 0.5, "truth": "cat", "when": 7.0, "key": "k"}
    assert _given(RowReader("f", "m", roles), [row]) == [
        {"model_id": "m", "event_id": "k", "ts": 7.0, "features": {"x": 1.0}, "prediction": 0.5},
        {"model_id": "m", "event_id": "k", "label": "cat", "ts": 7.0},
    ]


def test_labels_that_come_due_with_a_row_go_before_it_and_have_its_time() -> None:
    """Who answers a row knows every label that is due by then; the last follow the last row."""
    roles = Roles((), label="truth", ts="when")
    rows = [{"truth": number, "when": 10.0 + number} for number in range(4)]
    sent = _given(RowReader("f", "m", roles, label_delay=2), rows)
    assert [
        (event["event_id"], "label" if "label" in event else "event", event["ts"]) for event in sent
    ] == [
        ("0", "event", 10.0),
        ("1", "event", 11.0),
        ("0", "label", 12.0),
        ("2", "event", 12.0),
        ("1", "label", 13.0),
        ("3", "event", 13.0),
        ("2", "label", 13.0),
        ("3", "label", 13.0),
    ]


def test_without_a_delay_each_label_follows_its_row() -> None:
    """A row is asked about before its own truth is told, even when that comes at once."""
    rows = [{"truth": number} for number in range(2)]
    sent = _given(RowReader("f", "m", Roles((), label="truth")), rows)
    assert [(event["event_id"], "label" in event) for event in sent] == [
        ("0", False),
        ("0", True),
        ("1", False),
        ("1", True),
    ]


@pytest.mark.parametrize("delay", [0, 1, 3, 20])
def test_events_and_labels_come_in_the_order_of_rivers_delayed_evaluation(delay: int) -> None:
    """With any delay, questions and answers have River's order: its figures can be compared."""
    rows = [{"truth": number} for number in range(10)]
    sent = _given(RowReader("f", "m", Roles((), label="truth"), label_delay=delay), rows)
    session = simulate_qa([({}, number) for number in range(10)], moment=None, delay=delay)
    assert [(event["event_id"], event.get("label")) for event in sent] == [
        (str(number), truth) for number, _, truth in session
    ]


def test_a_row_without_a_truth_gives_no_label() -> None:
    """A truth that is not known yet is not sent, and delays no other."""
    roles = Roles((), label="truth")
    sent = _given(RowReader("f", "m", roles), [{"truth": None}, {"truth": 1.0}])
    assert [event["event_id"] for event in sent if "label" in event] == ["1"]


@pytest.mark.parametrize(
    "roles",
    [Roles((), prediction="p"), Roles((), ts="p"), Roles((), identity="p")],
    ids=["prediction", "ts", "id"],
)
@pytest.mark.parametrize("row", [{"p": None}, {"p": ""}, {}])
def test_a_row_without_what_every_event_needs_is_an_error(
    roles: Roles, row: dict[str, Any]
) -> None:
    """An empty prediction, time or id is an error with file and line, not a guess."""
    with pytest.raises(RowError, match="f:1: column 'p' is empty"):
        _given(RowReader("f", "m", roles), [row])
