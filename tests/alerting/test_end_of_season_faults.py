"""When an incident of a fault within a season is over: not while the fault lasts."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from record_logs import record, run, shard

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

DAY = 144  # a value in ten minutes
BEGINS, ENDS = 28 * DAY, 44 * DAY
Values = NDArray[np.float64]


def season(seed: int, late: Values | float = 0.0) -> Values:
    """Draw values with a daily cycle, some hours late, and noise that stays for a while."""
    rng = np.random.default_rng(seed)
    at = np.arange(ENDS) - late * DAY / 24
    curve = -np.cos(2 * np.pi * at / DAY) - 0.35 * np.cos(4 * np.pi * at / DAY - 1.0)
    noise = np.zeros(ENDS)
    for k, new in enumerate(rng.normal(0, 2.0, ENDS)):
        noise[k] = 0.5 * noise[k - 1] + new
    return np.round(40 + 12 * curve + noise, 2)


def during(days: int) -> Values:
    """Return 1 in the first days from the fault on, 0 elsewhere."""
    lasts = np.zeros(ENDS)
    lasts[BEGINS : BEGINS + days * DAY] = 1.0
    return lasts


def late(seed: int, days: int) -> Values:
    """Let values come six hours late."""
    return season(seed, 6 * during(days))


def flat(seed: int, days: int) -> Values:
    """Let the cycle vanish, at the mean of a day."""
    values, lasts = season(seed), during(days)
    noise = values - season_of(values)
    return np.where(lasts > 0, 40 + noise, values)


def nights(seed: int, days: int) -> Values:
    """Let the values of each night be those of the morning."""
    values = season(seed)
    night = (np.arange(ENDS) % DAY < DAY // 4) & (during(days) > 0)
    return np.where(night, values * 1.6, values)


def season_of(values: Values) -> Values:
    """Return the mean of each time of the day, less that of all."""
    curve = values.reshape(-1, DAY).mean(axis=0)
    return np.tile(curve - curve.mean(), len(values) // DAY)


FAULTS = [late, flat, nights]


def records(values: Values) -> list[Any]:
    """Make a log of a model with these predictions."""
    return [
        record(at, {"model_id": "m", "ts": 1.7e9 + 600 * at, "features": {}, "prediction": value})
        for at, value in enumerate(values.tolist())
    ]


def of_fault(alerts: list[AlertEvent]) -> list[AlertEvent]:
    """Return the alerts that are more than pending, from the fault on."""
    return [
        alert for alert in alerts if alert.source.offset >= BEGINS and alert.status != "pending"
    ]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_within_a_season_is_not_over_while_it_lasts(fault: Any, seed: int) -> None:
    """On the level of before, but not at its hours, it stays open until somebody accepts that."""
    alerts = of_fault(run(shard(), records(fault(seed, 99))).alerts)
    assert alerts[0].status == "firing"
    assert alerts[0].source.offset < BEGINS + DAY
    assert [alert for alert in alerts if alert.reason == "recovered"] == []
    assert [alert for alert in alerts if "is back at" in alert.message] == []
    settled = {alert.incident_id: alert.ts for alert in alerts if alert.status == "settled"}
    for alert in alerts:
        if alert.status == "resolved" and alert.reason != "superseded":
            assert alert.reason == "accepted"
            assert (alert.ts - settled[alert.incident_id]).days >= 7


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_within_a_season_is_over_once_it_is_repaired(fault: Any, seed: int) -> None:
    """After two days of it and a thousand values at their hours again it has recovered."""
    alerts = of_fault(run(shard(), records(fault(seed, 2))).alerts)
    assert alerts[0].status == "firing"
    assert [alert.reason for alert in alerts if alert.status == "resolved"] == ["recovered"]


def test_an_alert_says_that_only_the_hours_of_the_day_differ() -> None:
    """The message says that the hours of the day differ, since the level does not."""
    alerts = of_fault(run(shard(), records(late(1, 99))).alerts)
    settled = next(alert for alert in alerts if alert.status == "settled")
    assert "but does not follow the hours of the day as it did before" in settled.message
    assert "it is open until" in settled.message


@pytest.mark.parametrize("days", [29, 33])
def test_a_worker_that_takes_over_knows_the_hours_of_before(days: int) -> None:
    """A snapshot within the incident, or slices of other sizes, give the same alerts."""
    log, cut = records(flat(2, 99)), days * DAY
    expected = run(shard(), log).alerts
    first = shard()
    alerts = run(first, log[:cut]).alerts
    data = decode(encode(first, "predictions", 0, cut))
    second = restore(data, Topic.PREDICTIONS, "predictions", 0, load({})).shard
    assert alerts + run(second, log[cut:]).alerts == expected
    assert run(shard(), log, range(100, len(log), 100)).alerts == expected
