"""Distributions on both sides of a change."""

from typing import Any

import pytest

from streamproc.cli.event_rows import REDACTED, EventRow
from streamproc.cli.incidents_deciles import distribution, level_text, lines_of, value_of
from streamproc.schemas.alerts import Summary


def row(**fields: Any) -> EventRow:
    """Return an event."""
    return EventRow(0, "2026-01-05T10:00:00Z", None, fields)


@pytest.mark.parametrize(
    ("series", "fields", "expected"),
    [
        ("feature:a", {"features": {"a": 2}}, 2),
        ("feature:a", {"features": {}}, None),
        ("quality:a", {"features": {"a": 2}}, False),
        ("quality:a", {}, True),
        ("quality:a", {"features": {"a": REDACTED}}, REDACTED),
        ("prediction", {"prediction": "yes"}, "yes"),
        ("prediction:cat", {"prediction": {"cat": 0.7}}, 0.7),
        ("prediction:cat", {"prediction": "cat"}, None),
    ],
)
def test_the_value_of_a_series_is_that_of_the_event(
    series: str, fields: dict[str, Any], expected: Any
) -> None:
    """Features, how often they are missing, predictions and those of classes have values."""
    assert value_of(series, row(**fields)) == expected


def test_texts_have_shares_and_missing_values_are_counted() -> None:
    """The five most frequent texts are listed on each side of the change."""
    before = distribution(["DE"] * 6 + ["FR"] * 2 + [None] * 3)
    since = distribution([True])

    assert before == {"n": 8, "missing": 3, "shares": {"DE": 0.75, "FR": 0.25}}
    assert lines_of({"series": "feature:a", "before": before, "since": since}) == [
        "deciles   before DE 75 %, FR 25 % (of 8 events, 3 without)",
        "          since  true 100 % (of 1 event)",
    ]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_side_without_values_is_shown_as_such(values: list[Any]) -> None:
    """Nothing is made up where the log has no values."""
    side = distribution(values)
    assert side == {"n": 0, "missing": len(values), "shares": {}}
    assert "since  - (of 0 events" in lines_of({"series": "s", "before": side, "since": side})[1]


def test_the_level_of_shares_is_a_percentage() -> None:
    """Rules and missing values are shares; series without a mean have their number of values."""
    assert level_text("rule:a", Summary(n=200, mean=0.05, std=0.2)) == "5 % of 200"
    assert level_text("feature:a", Summary(n=7, mean=2.0, std=0.5)) == "mean 2 ± 0.5 of 7"
    assert level_text("feature:a", Summary(n=7)) == "7 values"
    assert level_text("feature:a", None) == "unknown"
