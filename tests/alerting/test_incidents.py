from typing import Any

import pytest
from record_logs import NOW, noise, record, run, shard

from streamproc.schemas.alerts import AlertEvent


def watch(events: list[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Return what is said of a log."""
    return run(shard(config), [record(i, event) for i, event in enumerate(events)]).alerts


def restless(count: int) -> list[dict[str, Any]]:
    """Draw events whose feature moves by ten deviations every 500 events."""
    events = noise(count, seed=8)
    for index, event in enumerate(events):
        event["features"]["a"] += 20 * (index // 500)
    return events


def test_a_shift_that_stays_settles() -> None:
    """A feature that moves once, and stays, fires once; quiet on its new level it is still open."""
    events = noise(4000, seed=3, shift_at=2000, a=6.0)
    target = shard({"policy": {"resolve_after": 700}})
    firing, settled = run(target, [record(i, event) for i, event in enumerate(events)]).alerts

    assert (firing.status, settled.status, settled.reason) == ("firing", "settled", None)
    assert firing.incident_id == settled.incident_id
    assert firing.alert_id != settled.alert_id
    assert settled.source.offset == firing.source.offset + 700
    assert (settled.before, settled.after.n) == (firing.before, 140)
    assert "has settled at 16" in settled.message
    assert ("m", "feature:a") in target.incidents.open


def test_a_shift_that_goes_away_is_one_incident() -> None:
    """A feature that moves, and moves back, fires once and is resolved as recovered."""
    events = noise(4000, seed=3, shift_at=2000, back_at=2500, a=6.0)
    config = {"policy": {"resolve_after": 700, "update_interval": "1h"}}
    firing, resolved = watch(events, config)

    assert (firing.status, resolved.status) == ("firing", "resolved")
    assert resolved.reason == "recovered"
    assert firing.incident_id == resolved.incident_id
    assert "feature 'a' of model 'm' is back at 9.88, for 140 values" in resolved.message
    assert "is back at" in watch(events)[1].message  # the way back is an update, not a fall


def test_an_alert_says_what_changed_and_since_when() -> None:
    """The alert of a shift has the levels, the change point, the cause and a sentence."""
    events = noise(3000, seed=3, shift_at=2000, a=6.0)
    config = {
        "models": [
            {
                "id": "m",
                "owner": "risk-oncall",
                "severity": "critical",
                "runbook": "https://wiki.example.org/m",
            }
        ]
    }
    alert = watch([event | {"model_version": "7"} for event in events], config)[0]

    assert (alert.model_id, alert.series, alert.kind) == ("m", "feature:a", "data")
    assert (alert.owner, alert.severity, alert.model_version) == ("risk-oncall", "critical", "7")
    assert alert.runbook == "https://wiki.example.org/m"
    assert abs(alert.before.mean - 10) < 0.5
    assert abs(alert.after.mean - 16) < 1.5
    assert 2000 <= alert.source.offset < 2050
    assert abs(alert.change_point.offset - 2000) <= 5
    assert alert.change_point.ts.timestamp() == 1.7e9 + alert.change_point.offset
    assert alert.ts.timestamp() == 1.7e9 + alert.source.offset
    assert alert.detected_at == NOW
    assert alert.statistic > alert.threshold > 0
    assert alert.message.startswith("feature 'a' of model 'm' rose from 1")


def test_a_restless_series_is_one_incident() -> None:
    """A series that keeps alarming stays one incident, reported once in an update interval."""
    events = noise(5000, seed=8)
    for index, event in enumerate(events):  # ten deviations, and as much again, and back
        event["features"]["a"] += (0, 20, 28, 14, 25, 12, 26, 15, 22, 12)[index // 500]
    alerts = watch(events, {"policy": {"update_interval": "1000s", "resolve_after": 9000}})

    assert {alert.incident_id for alert in alerts} == {alerts[0].incident_id}
    assert [alert.status for alert in alerts] == ["firing", *["updated"] * (len(alerts) - 1)]
    assert len(alerts) >= 4
    assert sum("other alarm" in alert.message for alert in alerts) >= 2


def test_a_series_that_settled_opens_a_new_incident() -> None:
    """What a settled series does next is another incident, which supersedes the one before."""
    alerts = watch(restless(1600), {"policy": {"resolve_after": 300}})

    firing = [alert.incident_id for alert in alerts if alert.status == "firing"]
    resolved = [alert for alert in alerts if alert.status == "resolved"]
    assert len(set(firing)) == len(firing) == 3
    assert [(alert.incident_id, alert.reason) for alert in resolved] == [
        (incident, "superseded") for incident in firing[:2]
    ]


def test_time_that_runs_backwards_loses_nothing() -> None:
    """Event time may jump: the same values give the same incidents."""
    straight = noise(3000, seed=3, shift_at=2000, a=6.0)
    jumping = [event | {"ts": event["ts"] - 86_400 * (i % 2)} for i, event in enumerate(straight)]

    assert [a.alert_id for a in watch(jumping)] == [a.alert_id for a in watch(straight)]


def test_a_feature_that_goes_missing_is_a_quality_incident() -> None:
    """An outage is told on the feature's quality series, as a share of events, and on no other."""
    for gone in ({"a": None}, None):
        events = noise(3000, seed=4)
        for event in events[2000:]:
            if gone is None:
                del event["features"]["a"]
            else:
                event["features"] |= gone
        [alert] = watch(events)

        assert (alert.series, alert.kind, alert.status) == ("quality:a", "quality", "firing")
        assert 2000 <= alert.source.offset < 2100
        assert (alert.before.mean, alert.after.mean) == pytest.approx((0.0, 1.0))
        assert "is missing in 100 % of events (before: 0 %)" in alert.message


def test_a_feature_that_is_often_missing_is_nothing_new() -> None:
    """A steady share of gaps gives no alert, whichever share it is."""
    for every in (2, 3, 50, 700):
        events = noise(6000, seed=9)
        for event in events[::every]:
            event["features"]["a"] = None
        assert watch(events) == []


def test_ids_come_from_the_origin_alone() -> None:
    """The wall clock has no part in an id; the offset, the settings and the model have."""
    events = noise(3000, seed=3, shift_at=2000, a=6.0)
    base = watch(events)[0]
    renamed = watch([event | {"model_id": "other"} for event in events])[0]
    tuned = watch(
        events,
        {
            "models": [
                {
                    "id": "*",
                    "watch": [
                        {"on": "*", "detectors": [{"page_hinkley": {"threshold": 21}}, "adwin"]}
                    ],
                }
            ]
        },
    )[0]

    assert len({base.alert_id, renamed.alert_id, tuned.alert_id}) == 3
    assert base.alert_id == watch(events)[0].alert_id


def test_what_is_not_configured_is_not_watched() -> None:
    """Only the series that a model's entry names have detectors."""
    events = noise(3000, seed=3, shift_at=2000, a=6.0, b=9.0)
    config = {"models": [{"id": "m", "watch": [{"on": "feature:b", "detectors": ["adwin"]}]}]}

    assert {(alert.series, alert.detector) for alert in watch(events, config)} == {
        ("feature:b", "adwin")
    }


def test_a_warm_up_can_be_shorter_or_longer() -> None:
    """A change that comes within the default warm-up is found if that is set to fewer values."""
    events = noise(400, seed=3, shift_at=120, a=6.0)
    found = {}
    for warmup in (None, 60, 300):
        entry = {"on": "*", "detectors": ["mixture"], "follow": False, "warmup": warmup}
        found[warmup] = watch(events, {"models": [{"id": "*", "watch": [entry]}]})
    assert [alert.source.offset < 150 for alert in found[60]] == [True]
    assert found[None] == found[300] == []
