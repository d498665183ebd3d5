"""Deliver alerts to the real Alertmanager."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alert_factory import alert
from sinks.alertmanager_server import Alertmanager
from sinks.strict import deliver, target_of

from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import Request
from streamproc.sinks.targets import Target


def target(server: Alertmanager, **fields: Any) -> Target:
    """Return the target of a server on loopback."""
    sink = {"name": "am", "kind": "alertmanager", "url": server.url, "networks": ["127.0.0.0/8"]}
    return target_of(sink | fields)


def now_alert(alert_id: str, series: str, status: str = "firing", **fields: Any) -> AlertEvent:
    """Return an alert that a worker publishes now."""
    now = datetime.now(UTC).isoformat()
    same = {"incident_id": "i", "owner": "risk", "segment": {"region": "eu"}}
    return alert(alert_id, series=series, status=status, detected_at=now, **(same | fields))


async def test_an_incident_is_one_notification_and_is_resolved(
    alertmanager: Alertmanager,
) -> None:
    """Alertmanager groups the series of a model, and ends their alerts when they resolve."""
    am = target(alertmanager)
    amount, country = "feature:amount", "feature:country"
    await deliver(am, now_alert("a", amount, runbook="https://wiki.example.org/fraud"))
    await deliver(am, now_alert("b", country))
    fired: dict[str, Any] = {}
    while set(fired) != {amount, country}:
        note = await alertmanager.notified("firing")
        fired |= {each["labels"]["series"]: each for each in note["alerts"]}
        assert note["groupLabels"] == {"model": "fraud"}
    assert fired[amount]["labels"] == {
        "alertname": "streamproc_data",
        "incident": "i",
        "kind": "data",
        "model": "fraud",
        "owner": "risk",
        "segment_region": "eu",
        "series": amount,
        "severity": "warning",
    }
    annotations = fired[amount]["annotations"]
    assert annotations["summary"] == "amount rose from 41.2 to 4120"
    assert annotations["runbook_url"] == "https://wiki.example.org/fraud"

    await deliver(am, now_alert("c", amount, "resolved"))
    await deliver(am, now_alert("d", country, "resolved"))
    note = await alertmanager.notified("resolved")
    assert {each["status"] for each in note["alerts"]} == {"resolved"}
    assert await alertmanager.get("alerts?active=true") == []


async def test_a_rising_severity_replaces_the_alert(alertmanager: Alertmanager) -> None:
    """An incident that becomes critical is one alert, and none is left when it resolves."""
    am = target(alertmanager)
    series = "feature:amount"
    await deliver(
        am, now_alert("a", series), now_alert("b", series, "updated", severity="critical")
    )
    [active] = await alertmanager.get("alerts?active=true")
    assert active["labels"]["severity"] == "critical"
    await deliver(am, now_alert("c", series, "resolved", severity="critical"))
    assert await alertmanager.get("alerts?active=true") == []


async def test_a_restarted_sink_replaces_the_alert_too(alertmanager: Alertmanager) -> None:
    """What was delivered before a restart is known from the topic."""
    series = "feature:amount"
    first = now_alert("a", series)
    await deliver(target(alertmanager), first)
    am = target(alertmanager)
    assert am.needs_history
    assert am.observe is not None
    am.observe(first)
    await deliver(am, now_alert("b", series, "updated", severity="critical"))
    [active] = await alertmanager.get("alerts?active=true")
    assert active["labels"]["severity"] == "critical"


async def test_an_alert_stays_until_it_is_resolved(alertmanager: Alertmanager) -> None:
    """Nothing is sent again every minute, and still Alertmanager does not end the alert."""
    await deliver(target(alertmanager), now_alert("a", "prediction"))
    [found] = await alertmanager.get("alerts")
    end = datetime.fromisoformat(found["endsAt"])
    assert end - datetime.now(UTC) > timedelta(days=29)


async def test_a_silence_of_alertmanager_holds(alertmanager: Alertmanager) -> None:
    """A silence by label suppresses the alert, which stays visible as suppressed."""
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "model", "value": "fraud", "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "test",
        "comment": "planned",
    }
    await alertmanager.post("silences", silence)
    am = target(alertmanager)
    await deliver(am, now_alert("a", "feature:amount"))
    await deliver(am, now_alert("b", "feature:amount", model_id="rides"))
    note = await alertmanager.notified("firing")
    assert {each["labels"]["model"] for each in note["alerts"]} == {"rides"}
    states = {
        each["labels"]["model"]: each["status"]["state"]
        for each in await alertmanager.get("alerts")
    }
    assert states["fraud"] == "suppressed"


async def test_a_refusal_has_its_reason(alertmanager: Alertmanager) -> None:
    """What Alertmanager refuses is not sent again, and its reason is shown."""
    am = target(alertmanager)
    async with am.open_send() as send:
        url = f"{alertmanager.url}/api/v2/alerts"
        outcome = am.sink.classify(await send(Request(url, b'[{"labels": {}}]')))
    assert outcome.verdict is Verdict.REFUSED
    assert "at least one label pair required" in outcome.reason


def test_http_needs_a_network() -> None:
    """Alerts are not sent in clear text to an address outside of the allowed networks."""
    sink = {"name": "am", "kind": "alertmanager", "url": "http://8.8.8.8:9093"}
    with pytest.raises(ConfigError, match=r"sinks\[0\]\.url: webhook target refused: no TLS to 8"):
        target_of(sink)
    assert target_of(sink | {"networks": ["8.8.8.0/24"]}).settings.name == "am"


def test_an_alert_lasts_longer_than_a_repetition() -> None:
    """`ends_after` below Alertmanager's time-out would end alerts that last."""
    sink = {"name": "am", "kind": "alertmanager", "url": "https://am.example.org"}
    with pytest.raises(ConfigError, match=r"sinks\[0\]\.ends_after: expected 5m or more"):
        target_of(sink | {"ends_after": "1m"})
