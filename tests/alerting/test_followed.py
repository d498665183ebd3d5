"""Incidents of series that are followed over their complete life."""

import re
from typing import Any

import numpy as np
import pytest
from record_logs import record, run, shard, state

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.webhook import Webhook
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

HOUR = 3600
HOURS = 16 * 168
AT = 14 * 168


def day(seed: int, hours: int = HOURS) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw hourly values that follow the hour, and each other."""
    rng = np.random.default_rng(seed)
    load_ = np.zeros(hours)
    for t, shock in enumerate(rng.normal(size=hours)):
        load_[t] = 0.9 * load_[t - 1] + shock
    return 100 + 30 * np.sin(2 * np.pi * np.arange(hours) / 24) + 4 * load_


def events(values: Any, pace: float = HOUR) -> list[dict[str, Any]]:
    """Make an event of each value, NaN null."""
    return [
        {
            "model_id": "m",
            "ts": 1.7e9 + pace * i,
            "prediction": 1.0,
            "features": {"x": None if np.isnan(v) else v},
        }
        for i, v in enumerate(np.asarray(values).tolist())
    ]


def watch(found: list[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Return the alerts of a log."""
    return run(shard(config), [record(i, event) for i, event in enumerate(found)]).alerts


def wakes(alerts: list[AlertEvent]) -> list[AlertEvent]:
    """Return those that are sent to somebody by default."""
    statuses = Webhook(name="pager", url_env="U", allow=("pager.example.org",)).statuses
    return [alert for alert in alerts if alert.status in statuses]


def test_a_season_is_pending_and_its_fault_fires() -> None:
    """Alarms of a dependent series are pending, of info; a fault in it fires within ten values."""
    values = day(5)
    quiet = watch(events(values))
    assert {(alert.status, alert.severity) for alert in quiet} == {("pending", "info")}
    assert wakes(quiet) == []
    values[AT:] *= 1000
    alerts = [alert for alert in wakes(watch(events(values))) if alert.source.offset >= AT]
    assert (alerts[0].status, alerts[0].severity) == ("firing", "warning")
    [found] = [alert for alert in alerts if "far outside of its range" in alert.message]
    assert found.source.offset < AT + 10


def test_what_a_series_is_watched_against_is_reported_once() -> None:
    """The first alert of a dependent series says so, with severity info; later ones do not."""
    note = "its values follow from those before: it is watched against these"
    first, *later = watch(events(day(5, 60 * 168)))
    assert (first.status, first.severity) == ("pending", "info")
    assert note in first.message
    assert [alert for alert in later if alert.status == "pending"]
    assert not [alert for alert in later if note in alert.message]


def test_a_second_change_in_an_open_incident_raises_it() -> None:
    """A broken unit inside an open incident is reported at once, and is critical."""
    rng = np.random.default_rng(2)
    values = rng.normal(10, 1, size=4000)
    values[2000:] += 5
    values[2100:] *= 1000
    alerts = watch(events(values, pace=0.02), {"policy": {"update_interval": "1h"}})
    assert [alert.status for alert in alerts[:2]] == ["firing", "updated"]
    assert alerts[1].severity == "critical"
    assert 2100 <= alerts[1].source.offset < 2110
    assert alerts[1].incident_id == alerts[0].incident_id


def test_a_frozen_feed_says_so() -> None:
    """A feed that repeats a value fires, and says for how long."""
    values = np.cumsum(np.random.default_rng(3).normal(size=3000))
    values[2000:] = values[2000]
    alerts = [alert for alert in wakes(watch(events(values))) if alert.source.offset >= 2000]
    assert "values in a row, longer than ever before" in alerts[0].message
    assert alerts[0].source.offset < 2020


def test_a_feature_that_is_never_missing_any_more_is_good_news() -> None:
    """A rate of missing values that stays at 0 is not a frozen feed."""
    values = np.random.default_rng(4).normal(size=20_000)
    values[:2000][np.random.default_rng(5).random(2000) < 0.3] = np.nan
    alerts = watch(events(values, pace=1.0))
    assert "follow" not in {alert.detector for alert in alerts}


def test_it_can_be_switched_off() -> None:
    """With `follow: false` every alarm of a detector fires, and there is nothing else."""
    entry = {"on": "*", "detectors": ["mixture"], "follow": False}
    plain = {"models": [{"id": "*", "watch": [entry]}]}
    alerts = watch(events(day(1)), plain)
    assert {alert.detector for alert in alerts} == {"mixture"}
    assert {alert.status for alert in alerts} <= {"firing", "updated", "settled", "resolved"}


def test_ids_of_a_steady_series_are_as_they_were() -> None:
    """The alert of a shift of independent values has the id that it has without `follow`."""
    values = np.random.default_rng(6).normal(size=3000)
    values[2000:] += 2
    detectors: list[Any] = ["mixture", "page_hinkley"]
    [alert] = watch(events(values, pace=1.0))
    on = {"on": "*", "detectors": detectors}
    [same] = watch(events(values, pace=1.0), {"models": [{"id": "*", "watch": [on]}]})
    assert alert.alert_id == same.alert_id
    assert alert.detector in detectors


def _continued(config: Config, records: list[Any], cut: int) -> Any:
    first = shard(config)
    run(first, records[:cut])
    data = encode(first, "predictions", 0, cut)
    return restore(decode(data), Topic.PREDICTIONS, "predictions", 0, config).shard


@pytest.mark.parametrize("cut", [100, 700, AT - 1, AT + 20])
def test_a_snapshot_goes_on_in_the_midst(cut: int) -> None:
    """Saved and restored anywhere, a season with a fault gives the same alerts and state."""
    values = day(1)
    values[AT:] = values[AT]
    records, config = [record(i, event) for i, event in enumerate(events(values))], load(None)
    complete = shard(config)
    expected = [a for a in run(complete, records).alerts if a.source.offset >= cut]
    remaining = _continued(config, records, cut)
    assert run(remaining, records[cut:]).alerts == expected
    assert state(remaining) == state(complete)


def test_mixes_that_come_back_wake_nobody() -> None:
    """Shares that turn with the hours are reported once; a new category fires again."""
    rng = np.random.default_rng(7)
    hours = np.arange(60_000) / 2500
    share = 0.3 + 0.12 * np.sin(2 * np.pi * hours / 6)
    texts = np.where(rng.random(60_000) < share, "mobile", "desktop")
    texts[45_000:][rng.random(15_000) < 0.25] = "tablet"
    found = [
        {"model_id": "m", "ts": 1.7e9 + i, "prediction": 1.0, "features": {"device": text}}
        for i, text in enumerate(texts.tolist())
    ]
    fired = [a.source.offset for a in watch(found) if a.status == "firing"]
    assert [at for at in fired if 15_000 <= at < 45_000] == []
    assert [at for at in fired if 45_000 <= at < 46_500]


def test_a_text_that_nobody_has_seen_is_found() -> None:
    """A category that comes in 2 % of events, after 10,000 without it, fires within 1,000."""
    rng = np.random.default_rng(8)
    texts = rng.choice(["mobile", "desktop", "tablet"], p=[0.6, 0.395, 0.005], size=14_000)
    texts[10_000:][rng.random(4000) < 0.02] = "tv"
    found = [
        {"model_id": "m", "ts": 1.7e9 + i, "prediction": 1.0, "features": {"device": text}}
        for i, text in enumerate(texts.tolist())
    ]
    [alert] = [alert for alert in watch(found) if alert.status == "firing"]
    assert "'tv'" in alert.message
    assert 10_000 <= alert.source.offset < 11_000


@pytest.mark.parametrize(("hours", "shift"), [(6, "6 hours late"), (-4, "4 hours early")])
def test_an_alert_says_by_how_many_hours_a_clock_is_wrong(hours: int, shift: str) -> None:
    """Of a series whose values come hours late or early one of the alerts says how many."""
    values = day(4)
    moved = np.concatenate([values[:AT], np.roll(values, hours)[AT:]])
    messages = [alert.message for alert in wakes(watch(events(moved)))]
    assert any(f"daily profile about {shift}" in message for message in messages)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_sudden_change_is_described_by_its_last_value_and_its_hour(seed: int) -> None:
    """The alert names the value that showed it and the mean of that hour, not means of a day."""
    values = day(seed)
    values[AT:] = np.roll(values, 12)[AT:]
    alert = next(each for each in wakes(watch(events(values))) if each.source.offset >= AT)
    at = alert.source.offset
    assert at < AT + 10
    found = re.search(r"at ([\d.]+) where ([\d.]+) is usual", alert.message)
    assert found is not None
    assert float(found[1]) == float(f"{values[at]:.4g}")
    assert abs(float(found[2]) - (100 + 30 * np.sin(2 * np.pi * at / 24))) < 15
    assert abs(float(found[1]) - float(found[2])) > 15
