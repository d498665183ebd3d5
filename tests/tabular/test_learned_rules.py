"""Rules that are learned from a table."""

import math
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config.model import ModelConfig
from streamproc.monitor import Monitor
from streamproc.tabular.learned_rules import learned, named_differently, summarise

VALUES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.sampled_from(["DE", "NO"])


def rules_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules of rows of features."""
    count, columns = summarise(rows)
    return list(
        named_differently(
            rule
            for name, column in columns.items()
            for rule in learned(f"feature:{name}", column, count)
        )
    )


def test_each_kind_of_column_has_its_rules() -> None:
    """Numbers have a range with a margin, few texts a set, and all a share of missing values."""
    draw = random.Random(1)
    rows = [
        {
            "amount": draw.uniform(10, 1000),
            "items": at % 9,
            "country": "NO" if at % 3 else "DE",
            "new": at % 2 == 0,
            "note": f"note {at}",
            "rare": 1.5 if at % 4 == 0 else None,
            "list": [1.0],
        }
        for at in range(3000)
    ]
    found = {rule["name"]: rule for rule in rules_of(rows)}

    assert found["amount_range"]["range"]["min"] == 0.0
    assert 1090 < found["amount_range"]["range"]["max"] < 1110
    assert found["items_range"]["range"] == {"min": 0, "max": 9}
    assert found["country_set"]["set"] == ["DE", "NO"]
    assert found["new_set"]["set"] == [False, True]
    assert (found["country_set"]["most"], found["country_missing"]["missing"]) == (0.001, 0.001)
    assert 0.75 < found["rare_missing"]["missing"] < 0.8
    assert not {"note_set", "rare_range", "list_range", "list_set"} & found.keys()


def test_names_are_those_of_series_and_differ() -> None:
    """Features whose names differ in special characters only have rules with different names."""
    names = [rule["name"] for rule in rules_of([{"a b": "x", "a:b": "y"}] * 3)]

    assert names == ["a_b_missing", "a_b_missing_2"]


@settings(max_examples=20)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b b", "ü"]), VALUES | st.floats(), max_size=3),
        min_size=1,
        max_size=40,
    )
)
def test_what_rules_are_learned_from_fulfils_them(rows: list[dict[str, Any]]) -> None:
    """Rules of any rows are valid, and these rows give no alert about a range or a set."""
    rules = rules_of(rows)
    ModelConfig.model_validate({"id": "*", "rules": rules})
    strict = [rule | {"most": 0} for rule in rules if "missing" not in rule]
    model = {"id": "*", "watch": [], "rules": strict}
    finite = [
        {
            name: value
            for name, value in row.items()
            if not isinstance(value, float) or math.isfinite(value)
        }
        for row in rows
    ]
    events = [{"model_id": "m", "ts": at, "features": row} for at, row in enumerate(finite)]
    alerts = Monitor({"models": [model]}).process(events)

    assert not [alert for alert in alerts if alert.kind == "rule"]
