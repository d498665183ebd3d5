from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_logs import record, run, shard

from streamproc import Monitor
from streamproc.alerting.level import Level
from streamproc.alerting.small_change import is_small
from streamproc.config.least_size import LeastSize
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

DEFAULTS = LeastSize()


def alerts(values: Any, config: Mapping[str, Any] | None = None) -> list[AlertEvent]:
    """Return the alerts of a feature with these values, one a second."""
    events = [
        {"model_id": "m", "ts": 1.7e9 + number, "features": {"x": value}}
        for number, value in enumerate(values)
    ]
    return list(Monitor(load(dict(config or {}))).process(events))


def shifted(before: int, after: int, by: float) -> list[float]:
    """Return normal values whose mean moves by some standard deviations."""
    values = np.random.default_rng(3).normal(size=before + after)
    values[before:] += by
    return values.tolist()  # type: ignore[no-any-return]


def test_a_change_that_is_significant_but_small_pages_nobody() -> None:
    """A mean that moves by an eighth of a deviation is found, and is for information."""
    [alert, *_] = alerts(shifted(20_000, 4000, 0.12))

    assert (alert.status, alert.severity) == ("firing", "info")
    assert "less than policy.least_size" in alert.message


def test_a_change_that_matters_pages() -> None:
    """Half a deviation is more than the least size."""
    [alert, *_] = alerts(shifted(2000, 1000, 0.5))

    assert (alert.status, alert.severity) == ("firing", "warning")
    assert "least_size" not in alert.message


def test_a_small_change_pages_if_the_configuration_says_so() -> None:
    """With a least size of 0 each change has the severity of its model."""
    config = {"policy": {"least_size": {"deviations": 0, "factor": 1, "share": 0}}}
    [alert, *_] = alerts(shifted(20_000, 4000, 0.12), config)

    assert alert.severity == "warning"


def test_a_small_change_that_grows_pages() -> None:
    """What an incident reports later is judged by itself."""
    values = np.array(shifted(20_000, 6000, 0.12))
    values[23_000:] += 5.0
    severities = [alert.severity for alert in alerts(values.tolist())]

    assert severities[0] == "info"
    assert severities[-1] == "warning"


def test_amounts_are_compared_by_their_factor_too() -> None:
    """Half as much again is a fifth of the deviation of amounts with a heavy tail."""
    before, after = Level(3037, 58.5, 135.73), Level(600, 85.42, 159.62)

    assert not is_small(before, after, DEFAULTS)
    assert is_small(Level(3037, 0.05, 1.0), Level(600, 0.2, 1.0), DEFAULTS)


def test_what_is_small_remains_so_after_a_restart() -> None:
    """The end of an incident that paged nobody pages nobody either."""
    log = [
        record(offset, {"model_id": "m", "ts": 1.7e9 + offset, "prediction": value})
        for offset, value in enumerate(shifted(20_000, 14_000, 0.12))
    ]
    first = shard({})
    before = run(first, log[:22_000]).alerts
    written = decode(encode(first, "predictions", 0, 22_000))
    second = restore(written, Topic.PREDICTIONS, "predictions", 0, load({})).shard
    after = run(second, log[22_000:]).alerts
    severities = [alert.severity for alert in before + after]

    assert len(before) > 0
    assert len(after) > 0
    assert set(severities) == {"info"}


@pytest.mark.parametrize(
    ("before", "after", "small"),
    [
        (0.1, 0.12, True),
        (0.1, 0.13, False),
        (0.0005, 0.001, False),
        (0.95, 0.97, False),
        (0.5, 0.55, True),
        (0.2, 0.1, False),
    ],
)
def test_rates_are_compared_by_their_factor(before: float, after: float, *, small: bool) -> None:
    """A rate matters where it, or the rate of the other value, changes by a quarter."""

    def level(rate: float) -> Level:
        return Level(10_000, rate, (rate * (1 - rate)) ** 0.5)

    assert is_small(level(before), level(after), DEFAULTS) is small


def test_shares_of_texts_are_compared_by_what_has_moved() -> None:
    """Four points of the values are few, six matter."""
    before = Level(5000, shares={"DE": 0.6, "FR": 0.4})

    assert is_small(before, Level(5000, shares={"DE": 0.64, "FR": 0.36}), DEFAULTS)
    assert not is_small(before, Level(5000, shares={"DE": 0.66, "FR": 0.34}), DEFAULTS)


@given(
    mean=st.floats(-1e6, 1e6),
    std=st.floats(1e-3, 1e6),
    by=st.floats(0, 3),
    spread=st.floats(0.5, 2),
    unit=st.sampled_from((1e-6, 1e-3, 1e3, 1e6)),
)
def test_the_unit_of_a_feature_does_not_matter(
    mean: float, std: float, by: float, spread: float, unit: float
) -> None:
    """A change is small in any unit, or in none."""

    def near(unit: float) -> bool:
        before = Level(1000, mean * unit, std * unit)
        after = Level(1000, (mean + by * std) * unit, std * spread * unit)
        return is_small(before, after, DEFAULTS)

    at_a_limit = abs(by - DEFAULTS.deviations) < 0.01 + 1e-6 * abs(mean) / std
    at_a_limit |= abs(spread - DEFAULTS.factor) < 1e-6 or abs(1 / spread - DEFAULTS.factor) < 1e-6
    looks_like_a_rate = any(0 < mean * each < 1 for each in (1.0, unit))
    if not at_a_limit and not looks_like_a_rate:
        assert near(1.0) is near(unit)
