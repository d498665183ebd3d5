from typing import Any

from streamproc.cli.labelled_rows import LabelledRows, Window
from streamproc.performance.outcome_log import OutcomeRow, RecordPosition

ERRORS = Window("fraud", "outcomes", 0, first=3, last=6)


def outcome(number: int, **fields: Any) -> OutcomeRow:
    """Make the labelled outcome of an event."""
    given = {
        "status": "labelled",
        "model_id": "fraud",
        "event_id": str(number),
        "label": True,
        "event_source": RecordPosition("predictions", 0, 100 + number),
        "features": {"amount": float(number)},
    }
    return OutcomeRow(**(given | fields), epoch=1, seq=number, outcome_id="a", revision=1)


def rows(window: Window, outcomes: list[OutcomeRow], before: int = 0) -> list[dict[str, Any]]:
    """Return the rows of a log of outcomes, in two passes."""
    selected = LabelledRows(window, "outcomes", (), before)
    for offset, each in enumerate(outcomes):
        selected.look(offset, each)
    found = [dict(row) for at, each in enumerate(outcomes) for row in selected.take(at, each)]
    assert selected.count == len(found)
    present = {name for row in found for name, value in row.items() if value is not None}
    assert present <= {each.name for each in selected.columns}
    return found


def numbers(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return side and number of each row."""
    return [(row["side"], int(row["event_id"])) for row in found]


def test_an_incident_of_errors_ends_where_it_was_resolved() -> None:
    """Its window is one of outcomes: from the change to the last alert, and two before."""
    found = rows(ERRORS, [outcome(at) for at in range(10)], before=2)

    after = [("after", at) for at in range(3, 7)]
    assert numbers(found) == [("before", 1), ("before", 2), *after]


def test_other_models_and_other_outcomes_give_no_rows() -> None:
    """Only labelled events of the model are rows, of an event's topic only those that are on it."""
    log = [
        outcome(0, model_id="other"),
        outcome(1, status="asked"),
        outcome(2, event_source=RecordPosition("features", 0, 102)),
        outcome(3, event_source=None),
        outcome(4),
    ]

    assert numbers(rows(Window("fraud", "predictions", 0, 100, None), log)) == [("after", 4)]


def test_a_revised_label_replaces_the_first_one() -> None:
    """An event is one row with the label that it was given last, also of another type."""
    log = [*(outcome(at) for at in range(6)), outcome(4, status="revised", label="no")]
    selected = LabelledRows(ERRORS, "outcomes", (), 0)
    for offset, each in enumerate(log):
        selected.look(offset, each)

    assert [row["label"] for row in rows(ERRORS, log)] == [True, "no", True]
    assert dict(selected.columns)["label"] == "text"
