"""What happens to incidents of series that are quiet, on the level of before or on another."""

from typing import Any

import numpy as np
import pytest
from record_logs import record, run, shard

from streamproc.schemas.alerts import AlertEvent

Values = np.ndarray[Any, np.dtype[np.float64]]
AT = 1500
KINDS = ("normal", "lognormal", "rate", "missing")


def watch(values: Any, config: Any = None, pace: float = 1.0) -> list[AlertEvent]:
    """Return the alerts about a feature with these values; NaN is missing."""
    found = [None if value != value else value for value in list(values)]  # noqa: PLR0124 - NaN
    events = [
        {"model_id": "m", "ts": 1.7e9 + pace * at, "prediction": 0.5, "features": {"a": value}}
        for at, value in enumerate(found)
    ]
    return run(shard(config), [record(at, event) for at, event in enumerate(events)]).alerts


def changed(kind: str, length: int, seed: int = 1) -> Values:
    """Draw 4,000 values of which some change from the 1,500th on."""
    draw = np.random.default_rng(seed)
    values: Values = draw.normal(10, 2, 4000)
    stretch = slice(AT, AT + length)
    count = len(values[stretch])
    if kind == "normal":
        values[stretch] += 5
    elif kind == "lognormal":
        values = draw.lognormal(3, 0.8, 4000)
        values[stretch] *= 1000
    elif kind == "rate":
        values = (draw.random(4000) < 0.1) * 1.0
        values[stretch] = draw.random(count) < 0.6
    else:
        values[stretch][draw.random(count) < 0.8] = np.nan
    return values


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_that_stays_is_never_resolved(kind: str) -> None:
    """Quiet on another level, a series has settled: its incident stays open."""
    for seed in range(3):
        statuses = [alert.status for alert in watch(changed(kind, 4000, seed))]
        assert statuses[0] == "firing"
        assert statuses[-1] == "settled"
        assert "resolved" not in statuses


def rare(kind: str, seed: int) -> Values:
    """Draw 12,000 values, and from the 3,000th on a fault in 1 % of them."""
    draw = np.random.default_rng(seed)
    values: Values = draw.normal(50, 5, 12_000)
    hit = (np.arange(12_000) >= 2 * AT) & (draw.random(12_000) < 0.01)
    values[hit] = -999.0 if kind == "sentinel" else np.nan
    return values


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sentinel", "missing"])
def test_a_fault_in_few_values_is_not_over_because_the_last_ones_had_none(kind: str) -> None:
    """Some two hundred values in a row without the fault say nothing while it lasts.

    In one series the alarm comes with a burst that chance made, and that is over.
    """
    series = [watch(rare(kind, seed)) for seed in range(12)]
    assert sum(map(bool, series)) >= 10
    assert sum("recovered" in [alert.reason for alert in alerts] for alerts in series) <= 1


def test_a_rate_that_is_back_at_none_is_exactly_none() -> None:
    """Rounding leaves no share of events behind."""
    values = np.zeros(9000)
    values[AT : AT + 900] = np.random.default_rng(1).random(900) < 0.1
    assert " is back at 0, for " in watch(values)[-1].message


def test_the_end_of_a_wider_spread_names_the_spread() -> None:
    """A mean that never moved says nothing of it."""
    values = np.random.default_rng(1).normal(10, 2, 4000)
    values[AT : AT + 300] = 10 + 3 * (values[AT : AT + 300] - 10)
    message = watch(values)[-1].message
    assert " is back at " in message
    assert message.count(" ± ") == 2


@pytest.mark.parametrize("length", [60, 120, 500])
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_that_goes_away_is_reported_as_that(kind: str, length: int) -> None:
    """However short it was, it is one incident, and its last word is that the series is back."""
    alerts = watch(changed(kind, length), pace=0.1)
    assert len({alert.incident_id for alert in alerts}) == 1
    assert (alerts[-1].status, alerts[-1].reason) == ("resolved", "recovered")
    assert "is back" in alerts[-1].message


def test_a_settled_level_is_accepted_after_a_time() -> None:
    """After `policy.accept_after` of event time the level of now is what counts."""
    config = {"policy": {"accept_after": "20m", "resolve_after": 500}}
    firing, settled, accepted = watch(changed("normal", 4000), config)
    assert (settled.status, accepted.status) == ("settled", "resolved")
    assert accepted.reason == "accepted"
    assert (accepted.ts - settled.ts).total_seconds() == 1200
    assert "is accepted at 15" in accepted.message
    assert accepted.incident_id == firing.incident_id


def test_what_follows_a_settled_level_pages_again() -> None:
    """A change of a settled series is another incident, which the one before refers to."""
    values = changed("normal", 4000)
    values[3200:] += 5
    firing, settled, superseded, again = watch(values)
    assert [settled.status, superseded.status, again.status] == ["settled", "resolved", "firing"]
    assert (superseded.reason, superseded.incident_id) == ("superseded", firing.incident_id)
    assert again.incident_id != firing.incident_id


def test_a_settled_series_that_comes_back_is_resolved_as_recovered() -> None:
    """The level of before the first change is remembered for as long as the incident is open."""
    values = changed("normal", 1200)
    firing, settled, updated, resolved = watch(values)
    assert [settled.status, updated.status] == ["settled", "updated"]
    assert "is back at" in updated.message
    assert (resolved.status, resolved.reason) == ("resolved", "recovered")
    assert {alert.incident_id for alert in (settled, updated, resolved)} == {firing.incident_id}


def test_the_level_to_come_back_to_is_that_of_before_the_first_of_several() -> None:
    """An incident that supersedes another is over when the series is as before the first one."""
    values = changed("normal", 2000)
    values[3000:3500] += 5
    values = np.append(values, np.random.default_rng(9).normal(10, 2, 1500))
    alerts = watch(values)
    assert [alert.reason for alert in alerts if alert.status == "resolved"] == [
        *("superseded", "recovered")
    ]


def test_shares_of_texts_settle_and_recover() -> None:
    """Texts are compared by the shares of their values."""
    draw = np.random.default_rng(3)
    for length, status in ((400, "resolved"), (2500, "settled")):
        values = draw.choice(["DE", "FR"], p=[0.9, 0.1], size=4000).tolist()
        values[AT : AT + length] = draw.choice(["DE", "FR"], p=[0.2, 0.8], size=length).tolist()
        alerts = watch(values)
        assert {alert.series for alert in alerts} == {"feature:a"}
        assert alerts[-1].status == status
        assert "% 'DE'" in alerts[-1].message
