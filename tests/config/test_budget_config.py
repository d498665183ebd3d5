"""The key `budget`."""

from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "per_week"),
    [("1 a week", 1.0), ("2 a day", 14.0), ("0.5 per month", 3.5 / 30), ("10 per week", 10.0)],
)
def test_a_budget_is_a_number_in_a_day_week_or_month(text: str, per_week: float) -> None:
    """A month has 30 days; what is written is read back."""
    budget = load({"budget": text}).budget
    assert budget is not None
    assert budget.per_week == pytest.approx(per_week)
    assert Config.model_validate_json(load({"budget": text}).model_dump_json()).budget == budget


@pytest.mark.parametrize("value", ["0 a week", "one a week", "1 a year", "-1 a day", 3, True, ""])
def test_anything_else_is_refused_with_an_example(value: Any) -> None:
    """The error names the key and says what is expected."""
    with pytest.raises(ConfigError, match=r"budget: expected a number of false alarms .*found "):
        load({"budget": value})


@pytest.mark.parametrize("partitions", [1, 8, 100])
def test_the_shares_of_all_partitions_are_the_budget(partitions: int) -> None:
    """Predictions have half of it, features and outcomes a quarter each, in equal parts."""
    budget = load({"budget": "3 a week"}).budget
    assert budget is not None
    shares = [
        budget.of_partition(kind, partitions) for kind in ("predictions", "features", "outcomes")
    ]
    assert partitions * sum(shares) == pytest.approx(3.0)
    assert shares[0] == 2 * shares[1] == 2 * shares[2]
