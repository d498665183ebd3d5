"""What is reported of an open incident, and when."""

from typing import Any

import numpy as np
import pytest
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

RANKS = ("info", "warning", "critical")
STEPS = ((1000, 6.0), (1300, 3.0), (1600, 7.0))  # a change, and two within the update interval


def records(values: Any, pace: float) -> list[Any]:
    """Return a log of one feature with these values, `pace` seconds apart."""
    return [
        record(at, {"model_id": "m", "ts": 1.7e9 + pace * at, "features": {"a": value}})
        for at, value in enumerate(np.asarray(values).tolist())
    ]


def watch(values: Any, pace: float = 0.02, config: Any = None) -> list[AlertEvent]:
    """Return the alerts about the values of a feature."""
    return run(shard(config, Topic.FEATURES), records(values, pace)).alerts


def stepped(count: int = 3000) -> Any:
    """Draw values that change several times within one update interval."""
    values = np.random.default_rng(4).normal(10, 1, count)
    for begin, level in STEPS:
        values[begin:] += level - (values[begin:].mean() - 10)
    return values


def pages(alerts: list[AlertEvent]) -> list[AlertEvent]:
    """Return those that page: `firing`, or more severe than all before in their incident."""
    worst: dict[str, int] = {}
    found = []
    for alert in alerts:
        rank = RANKS.index(alert.severity)
        if alert.status == "firing" or (
            alert.status == "updated" and rank > worst.get(alert.incident_id, 0)
        ):
            found.append(alert)
        worst[alert.incident_id] = max(rank, worst.get(alert.incident_id, 0))
    return found


def test_an_alarm_within_the_update_interval_is_delayed() -> None:
    """It is reported with the first value after the interval, and says for how many it stands."""
    config = {"policy": {"update_interval": "20s", "resolve_after": 5000}}
    firing, updated = watch(stepped(), 0.02, config)
    assert (firing.status, updated.status) == ("firing", "updated")
    assert 1600 <= updated.source.offset < 1620  # the record of the last alarm
    assert "after 1 other alarm since the last alert" in updated.message


def test_what_waits_is_reported_before_an_incident_falls_quiet() -> None:
    """An update interval longer than the quiet time drops nothing."""
    config = {"policy": {"update_interval": "1d", "resolve_after": 500}}
    statuses = [alert.status for alert in watch(stepped(), 0.02, config)]
    assert statuses == ["firing", "updated", "settled"]


def test_what_waits_does_not_depend_on_slices_or_restarts() -> None:
    """In any split, and after a restart while an alert waits, the alerts are the same."""
    config = {"policy": {"update_interval": "20s", "resolve_after": 800, "accept_after": "5s"}}
    log = records(stepped(), 0.02)
    together, single = shard(config, Topic.FEATURES), shard(config, Topic.FEATURES)
    alerts = run(together, log).alerts
    assert {alert.status for alert in alerts} == {"firing", "updated", "settled", "resolved"}
    assert run(single, log, range(1, len(log))).alerts == alerts
    assert state(single) == state(together)
    for cut in (1400, 1700, 2450):
        first = shard(config, Topic.FEATURES)
        early = run(first, log[:cut]).alerts
        written = decode(encode(first, "features", 0, cut))
        settings = first.catalogue.config
        second = restore(written, Topic.FEATURES, "features", 0, settings).shard
        assert early + run(second, log[cut:]).alerts == alerts


def test_a_worse_level_does_not_wait() -> None:
    """What is outside of all that was reported raises the severity, whatever the interval."""
    values = np.random.default_rng(4).normal(10, 1, 3000)
    values[1000:] += 3
    values[1400:] += 12
    firing, worse, *_ = watch(values, 0.02, {"policy": {"update_interval": "1d"}})
    assert (firing.severity, worse.severity) == ("warning", "critical")
    assert worse.status == "updated"
    assert 1400 <= worse.source.offset < 1420


def test_a_level_that_is_worse_again_pages_again() -> None:
    """Where the severity cannot rise any more another incident supersedes the one that is open."""
    values = np.random.default_rng(4).normal(10, 1, 3000)
    for begin, factor in ((1000, 3), (1400, 10), (1800, 10)):
        values[begin:] *= factor
    firing, worse, superseded, again, *_ = watch(values, 0.02)
    assert [alert.status for alert in (firing, worse, superseded, again)] == [
        *("firing", "updated", "resolved", "firing")
    ]
    assert superseded.reason == "superseded"
    assert 1800 <= again.source.offset < 1820
    assert again.severity == "critical"
    critical = {"models": [{"id": "*", "severity": "critical"}]}
    assert len(pages(watch(values, 0.02, critical))) == 3


def test_a_series_that_grows_for_ever_pages_ever_less_often() -> None:
    """Each page for a worse level takes a range that is half as wide again."""
    values = np.random.default_rng(4).normal(0, 1, 20_000)
    values[1000:] += np.arange(19_000) / 50
    found = pages(watch(values, 0.02))
    assert len(found) <= 20


@pytest.mark.parametrize("pace", [0.02, 60.0, 3600.0])
def test_a_broken_unit_pages_at_any_moment_and_rate(pace: float) -> None:
    """Of × 1000 at random values of shapes with and without an incident all page within 300."""
    draw = np.random.default_rng(int(pace))
    found = 0
    for trial in range(20):
        values = draw.lognormal(3, 0.7, 1800) if trial % 2 else draw.normal(30, 5, 1800)
        earlier, at = int(draw.integers(300, 700)), int(draw.integers(720, 1400))
        if trial % 4 < 2:
            values[earlier:] *= 1.6  # an incident is open, or its series learns again
        values[at:] *= 1000
        alerts = pages(watch(values, pace))
        found += any(at <= alert.source.offset < at + 300 for alert in alerts)
    assert found == 20
