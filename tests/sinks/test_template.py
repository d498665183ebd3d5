"""Deliver alerts by the templates of configs/sinks, to receivers that refuse as theirs do."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_factory import alert
from sinks.strict import Posted, Strict, deliver, strict_receiver, target_of

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import AbsentError, Target, targets_of

ROOT = Path(__file__).parents[2]
KEY = "T0KEN-T0KEN"
NASTY = {"message": 'the share of "new"\\\nrose </b> {{ 7 * 7 }}', "incident_id": "i/../ 1?x"}


def example(name: str, receiver: Strict, path: str) -> Target:
    """Return the target of an example, with a receiver of the test in place of the real one."""
    [sink] = yaml.safe_load((ROOT / "configs" / "sinks" / name).read_text())["sinks"]
    sink |= {
        "url": f"{receiver.url}{path}",
        "url_env": None,
        "allow": [f"127.0.0.1:{receiver.port}"],
        "networks": ["127.0.0.0/8"],
        "ca_file": str(receiver.ca_file),
        "token_env": "KEY",
    }
    return target_of(sink)


def opsgenie(posted: Posted) -> tuple[int, str]:
    """Answer as Opsgenie's Alert API does."""
    if posted.headers.get("Authorization") != f"GenieKey {KEY}":
        return 401, json.dumps({"message": "Could not authenticate", "took": 0.1})
    if "/close" in posted.path:
        return 202, json.dumps({"result": "Request will be processed"})
    body = posted.body
    limits = {"message": 130, "alias": 512, "description": 15000, "source": 100, "entity": 512}
    errors = {
        name: f"{name} is longer than {limit}"
        for name, limit in limits.items()
        if len(body.get(name, "")) > limit
    }
    if not body.get("message"):
        errors["message"] = "Message can not be empty."
    if body.get("priority") not in {"P1", "P2", "P3", "P4", "P5"}:
        errors["priority"] = "Priority must be P1 to P5"
    if not all(isinstance(value, str) for value in body.get("details", {}).values()):
        errors["details"] = "Details must be texts"
    if errors:
        return 422, json.dumps({"message": "Request body is not processable", "errors": errors})
    return 202, json.dumps({"result": "Request will be processed"})


def incident_io(posted: Posted) -> tuple[int, str]:
    """Answer as an HTTP alert source of incident.io does."""
    if posted.headers.get("Authorization") != f"Bearer {KEY}":
        return 401, json.dumps({"type": "authentication_error"})
    body = posted.body
    missing = [name for name in ("title", "status", "deduplication_key") if not body.get(name)]
    if missing or body["status"] not in {"firing", "resolved"}:
        errors = [{"code": "is_required", "message": f"{missing} are required"}]
        return 422, json.dumps({"type": "validation_error", "errors": errors})
    return 202, json.dumps({"status": "success", "deduplication_key": body["deduplication_key"]})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key."""
    monkeypatch.setenv("KEY", KEY)


@pytest.mark.parametrize("name", ["opsgenie.yaml", "jira_service_management.yaml"])
async def test_opsgenie_opens_and_closes_an_alert(
    name: str, loopback_certificate: tuple[Path, Path]
) -> None:
    """One alias for an incident, closed by it; texts of any kind are quoted."""
    async with strict_receiver(loopback_certificate, opsgenie) as receiver:
        target = example(name, receiver, "/v2/alerts")
        last = alert("b", status="resolved", **NASTY)
        await deliver(target, alert("a", severity="critical", owner="risk", **NASTY), last)
        await deliver(target, alert("c", message="m" * 8000, model_id="m" * 200))
    assert receiver.refused == []
    opened, closed, _ = receiver.accepted
    assert opened.path == "/v2/alerts"
    assert opened.body["alias"] == NASTY["incident_id"]
    assert opened.body["description"] == NASTY["message"]
    assert opened.body["priority"] == "P1"
    assert closed.path == "/v2/alerts/i%2F..%2F%201%3Fx/close?identifierType=alias"


async def test_incident_io_opens_and_resolves_an_alert(
    loopback_certificate: tuple[Path, Path],
) -> None:
    """A page of an incident is `firing` there, and its end `resolved`, with one key."""
    async with strict_receiver(loopback_certificate, incident_io) as receiver:
        target = example("incident_io.yaml", receiver, "/v2/alert_events/http/01GW2G3V0S")
        steps = ("firing", "updated", "resolved")
        await deliver(target, *(alert(step, status=step, **NASTY) for step in steps))
    assert receiver.refused == []
    bodies = [posted.body for posted in receiver.accepted]
    assert [body["status"] for body in bodies] == ["firing", "resolved"]
    assert {body["deduplication_key"] for body in bodies} == {NASTY["incident_id"]}
    assert bodies[0]["description"] == NASTY["message"]


async def test_a_refusal_has_its_reason(
    loopback_certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The receiver's message is in the log."""
    monkeypatch.setenv("KEY", "another")
    async with strict_receiver(loopback_certificate, opsgenie) as receiver:
        await deliver(example("opsgenie.yaml", receiver, "/v2/alerts"), alert("a"))
    assert "dropped: refused: answered 401: Could not authenticate" in caplog.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"body": "{"}, "sinks[0].body: the template does not render JSON"),
        ({"body": "{% if %}"}, "sinks[0].body: "),
        ({"body": '{"a": "{{ message }}"}'}, "write texts as {{ message | tojson }}"),
        (
            {"body": '{"a": {{ mesage | tojson }}}'},
            "unknown field `mesage`; did you mean `message`?",
        ),
        ({"path": "{{"}, "sinks[0].path: "),
        ({"body": '{{ "".__class__.__mro__ | list | tojson }}'}, "sinks[0].body: the template"),
        ({"body": "{{ [1].append(2) | tojson }}"}, "sinks[0].body: the template fails"),
    ],
)
def test_a_template_that_fails_is_refused_at_the_start(
    fields: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template is tried before a worker starts, also where its secrets are missing."""
    monkeypatch.delenv("KEY")
    sink: dict[str, Any] = {"name": "t", "kind": "template", "url_env": "KEY", "body": "{}"}
    sink |= {"allow": ["a.example.org"], **fields}
    with pytest.raises(ConfigError) as caught:
        targets_of(load({"sinks": [sink]}))
    assert not isinstance(caught.value, AbsentError)
    assert message in str(caught.value)
