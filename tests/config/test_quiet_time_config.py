from datetime import timedelta
from typing import Any

import pytest

from streamproc.config.load import load
from streamproc.config.quiet_time import MIN_VALUES, QuietTime
from streamproc.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (1000, QuietTime(1000)),
        ("6h", QuietTime(MIN_VALUES, timedelta(hours=6))),
        ({"values": 500}, QuietTime(500)),
        ({"time": "2d"}, QuietTime(MIN_VALUES, timedelta(days=2))),
        ({"values": 5, "time": 60}, QuietTime(5, timedelta(minutes=1))),
    ],
)
def test_a_quiet_time_is_a_count_a_duration_or_both(given: Any, found: QuietTime) -> None:
    """Each form of `policy.resolve_after` is read, and read again as it is printed."""
    policy = load({"policy": {"resolve_after": given}}).policy
    assert policy.resolve_after == found
    printed = policy.model_dump(mode="json")["resolve_after"]
    assert load({"policy": {"resolve_after": printed}}).policy == policy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "policy.resolve_after: expected a whole number between 1 and 1,000,000,000, found 0"),
        (True, "policy.resolve_after: expected a number of values such as 1000"),
        (1.5, "policy.resolve_after: expected a number of values such as 1000"),
        ("six hours", "policy.resolve_after: expected a number of values such as 1000"),
        ({}, "policy.resolve_after: expected a number of values such as 1000"),
        ({"values": "6h"}, "policy.resolve_after.values: expected a whole number"),
        ({"time": "soon"}, "policy.resolve_after.time: expected a duration such as"),
        ({"value": 5}, "policy.resolve_after.value: did you mean `values`?"),
    ],
)
def test_any_other_quiet_time_is_refused_where_it_is_wrong(given: Any, message: str) -> None:
    """The message names the key and the forms that are read."""
    with pytest.raises(ConfigError) as caught:
        load({"policy": {"resolve_after": given}})
    assert message in str(caught.value)
