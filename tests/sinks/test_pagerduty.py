"""Deliver alerts to a receiver that refuses what PagerDuty's Events API v2 refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from sinks.strict import Posted, deliver, strict_receiver, target_of

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import AbsentError, targets_of

KEY = "0123456789abcdef0123456789abcdef"  # pragma: allowlist secret
EVENTS = "/v2/enqueue"


def problems(event: Any) -> list[str]:
    """Return what PagerDuty refuses in an event."""
    found = []
    if len(event.get("routing_key", "")) != 32:
        found.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("'event_action' is not one of trigger, acknowledge, resolve")
    if len(event.get("dedup_key", "")) > 255:
        found.append("'dedup_key' is too long (maximum is 255 characters)")
    if event.get("event_action") != "trigger":
        return found + ([] if event.get("dedup_key") else ["'dedup_key' is missing or blank"])
    payload = event.get("payload", {})
    found += [
        f"'payload.{key}' is missing or blank"
        for key in ("summary", "source")
        if not payload.get(key)
    ]
    if len(payload.get("summary", "")) > 1024:
        found.append("'payload.summary' is too long (maximum is 1024 characters)")
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        found.append("'payload.severity' is invalid (must be one of the following)")
    found += [
        "'links' must have an href" for link in event.get("links", []) if "://" not in link["href"]
    ]
    return found


def check(posted: Posted) -> tuple[int, str]:
    """Answer as PagerDuty does."""
    if posted.path != EVENTS:
        return 404, "not found"
    found = problems(posted.body)
    if found:
        answer = {"status": "invalid event", "message": "Event object is invalid", "errors": found}
        return 400, json.dumps(answer)
    done = {
        "status": "success",
        "message": "Event processed",
        "dedup_key": posted.body["dedup_key"],
    }
    return 202, json.dumps(done)


@pytest.fixture
def routing_key(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the integration key, and return the setting that names it."""
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    return {"routing_key_env": "PAGERDUTY_KEY"}


async def test_an_incident_is_triggered_and_resolved(
    loopback_certificate: tuple[Path, Path], routing_key: dict[str, str]
) -> None:
    """All alerts of an incident have its id as key, and its end resolves it."""
    async with strict_receiver(loopback_certificate, check) as pagerduty:
        target = target_of(
            pagerduty.settings("pagerduty", url=f"{pagerduty.url}{EVENTS}", **routing_key)
        )
        delivered = await deliver(
            target,
            alert("a", incident_id="i", severity="critical", runbook="https://wiki.example.org/a"),
            alert("b", incident_id="i", status="updated"),
            alert("c", incident_id="i", status="resolved"),
        )
    assert pagerduty.refused == []
    events = [posted.body for posted in pagerduty.accepted]
    assert [event["event_action"] for event in events] == ["trigger", "trigger", "resolve"]
    assert {event["dedup_key"] for event in events} == {"i"}
    assert events[0]["payload"]["severity"] == "critical"
    assert events[0]["links"] == [{"href": "https://wiki.example.org/a", "text": "Runbook"}]
    assert delivered.count("delivered") == 3


async def test_an_incident_of_two_series_is_resolved_with_the_last(
    loopback_certificate: tuple[Path, Path], routing_key: dict[str, str]
) -> None:
    """One series that is back does not resolve the incident while the other still fires."""
    async with strict_receiver(loopback_certificate, check) as pagerduty:
        target = target_of(
            pagerduty.settings("pagerduty", url=f"{pagerduty.url}{EVENTS}", **routing_key)
        )
        steps = [("a", "firing"), ("b", "firing"), ("a", "resolved"), ("b", "resolved")]
        await deliver(
            target,
            *(
                alert(
                    f"{series}{status}", incident_id="i", series=f"feature:{series}", status=status
                )
                for series, status in steps
            ),
        )
    actions = [posted.body["event_action"] for posted in pagerduty.accepted]
    assert actions == ["trigger", "trigger", "trigger", "resolve"]


async def test_a_repeated_alert_does_not_trigger_a_resolved_incident(
    loopback_certificate: tuple[Path, Path], routing_key: dict[str, str]
) -> None:
    """What a worker publishes again after a crash pages nobody a second time."""
    async with strict_receiver(loopback_certificate, check) as pagerduty:
        target = target_of(
            pagerduty.settings("pagerduty", url=f"{pagerduty.url}{EVENTS}", **routing_key)
        )
        first, last = alert("a", incident_id="i"), alert("b", incident_id="i", status="resolved")
        await deliver(target, first, last, first, last)
    actions = [posted.body["event_action"] for posted in pagerduty.accepted]
    assert actions == ["trigger", "resolve"]


async def test_the_longest_alert_fits(
    loopback_certificate: tuple[Path, Path], routing_key: dict[str, str]
) -> None:
    """Message and incident id are cut to PagerDuty's limits, the same way each time."""
    async with strict_receiver(loopback_certificate, check) as pagerduty:
        target = target_of(
            pagerduty.settings("pagerduty", url=f"{pagerduty.url}{EVENTS}", **routing_key)
        )
        long = {"incident_id": "i" * 400, "message": "m" * 8000, "runbook": "ask the owner"}
        await deliver(target, alert("a", **long), alert("b", status="resolved", **long))
    assert pagerduty.refused == []
    keys = {posted.body["dedup_key"] for posted in pagerduty.accepted}
    assert len(keys) == 1


async def test_a_refusal_is_logged_with_its_reason(
    loopback_certificate: tuple[Path, Path],
    routing_key: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log and the metric name a refusal with PagerDuty's reason, without the key."""
    reason = f"Integration {KEY} is disabled"

    def refuse(posted: Posted) -> tuple[int, str]:  # noqa: ARG001  refuses anything
        return 400, json.dumps({"status": "invalid event", "errors": [reason]})

    async with strict_receiver(loopback_certificate, refuse) as pagerduty:
        target = target_of(
            pagerduty.settings("pagerduty", url=f"{pagerduty.url}{EVENTS}", **routing_key)
        )
        delivered = await deliver(target, alert("a"))
    assert "alert 'a' dropped: refused: answered 400: Integration *** is disabled" in caplog.text
    assert delivered.count("dropped", reason="refused") == 1
    assert KEY not in caplog.text


def test_a_key_of_another_length_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that PagerDuty would refuse is reported before anything is sent."""
    sink = {"name": "pager", "kind": "pagerduty", "routing_key_env": "PAGERDUTY_KEY"}
    monkeypatch.setenv("PAGERDUTY_KEY", "T0KEN")
    with pytest.raises(ConfigError, match=r"sinks\[0\]\.routing_key: expected 32 char") as caught:
        targets_of(load({"sinks": [sink]}))
    assert "T0KEN" not in str(caught.value)
    monkeypatch.delenv("PAGERDUTY_KEY")
    with pytest.raises(AbsentError, match=r"sinks\[0\]\.routing_key_env: the variable"):
        targets_of(load({"sinks": [sink]}))
