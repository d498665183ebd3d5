from typing import Any

import pytest
from record_logs import noise, record, run, shard


def alerts_of(scale: float, offset: float) -> list[tuple[Any, ...]]:
    """Return the alerts about a shift of one deviation, with the feature in another unit."""
    events = noise(4000, seed=5, shift_at=2500, a=2.0)
    for event in events:
        event["features"]["a"] = event["features"]["a"] * scale + offset
    outcome = run(shard(), [record(i, event) for i, event in enumerate(events)])
    return [
        (alert.alert_id, alert.status, alert.series, alert.source.offset, alert.statistic)
        for alert in outcome.alerts
    ]


PLAIN = alerts_of(1.0, 0.0)


def test_a_shift_is_found() -> None:
    """The unchanged unit gives an alert, so that the tests below compare something."""
    assert [(status, series) for _, status, series, _, _ in PLAIN][:1] == [("firing", "feature:a")]


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 3.7, 1e3, 1e6, -1.0])
def test_the_unit_of_a_feature_changes_no_alert(scale: float) -> None:
    """Multiplying a feature gives the same alerts, with the same ids and statistics."""
    assert alerts_of(scale, 0.0) == PLAIN


def test_the_offset_of_a_feature_changes_no_alert() -> None:
    """Adding 10⁹ to a feature, which costs it seven digits, gives the same alerts."""
    shifted = alerts_of(1.0, 1e9)

    assert [alert[:4] for alert in shifted] == [alert[:4] for alert in PLAIN]


@pytest.mark.parametrize("value", [1e300, -1e300, 5e-324, 0.0])
def test_extreme_values_give_finite_alerts(value: float) -> None:
    """Numbers at the ends of the range are watched, and an alert about them can be published."""
    events = noise(2000, seed=6)
    for event in events[1000:]:
        event["features"]["a"] = value
    outcome = run(shard(), [record(i, event) for i, event in enumerate(events)])

    assert outcome.dead_letters == []
    assert "feature:a" in {alert.series for alert in outcome.alerts}
    for alert in outcome.alerts:
        assert alert.from_json(alert.to_json()) == alert
