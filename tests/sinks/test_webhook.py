"""The targets of webhooks, before anything is sent to them."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import AbsentError, Target, targets_of
from streamproc.sinks.webhook import WebhookSink

URL = "https://hooks.example.org/T0KEN"
SECRET = "0123456789abcdef" * 2


def targets(*hooks: dict[str, Any]) -> tuple[Target, ...]:
    """Return the targets of a config."""
    base = {"allow": ["hooks.example.org"]}
    said = [{"name": f"h{n}", **base, **hook} for n, hook in enumerate(hooks)]
    return targets_of(load({"webhooks": said}))


def sink_of(target: Target) -> WebhookSink:
    """Return the sink of a webhook."""
    assert isinstance(target.sink, WebhookSink)
    return target.sink


def test_where_the_url_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL is taken from the config, a variable or a file, and in none of them is it shown."""
    monkeypatch.setenv("OURS", URL)
    (tmp_path / "url").write_text(f"{URL}\n")
    found = targets({"url": URL}, {"url_env": "OURS"}, {"url_file": str(tmp_path / "url")})
    assert {sink_of(target).url.get_secret_value() for target in found} == {URL}
    assert "T0KEN" not in repr(found)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.org/T0KEN", "expected https://, found http://"),
        ("https://evil.example.org/T0KEN", "host 'evil.example.org', port 443 is not allowed"),
        ("https://me:T0KEN@hooks.example.org/", "a user or a password"),  # pragma: allowlist secret
    ],
)
def test_a_target_that_is_not_allowed(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that may not be sent to is an error that names its field and not its path."""
    monkeypatch.setenv("OURS", url)
    with pytest.raises(ConfigError) as caught:
        targets({"url": url}, {"url_env": "OURS"}, {"url_env": "MISSING"})
    assert not isinstance(caught.value, AbsentError)
    first, second, third = caught.value.problems
    assert first.startswith("webhooks[0].url: webhook target refused: ")
    assert second.startswith("webhooks[1].url_env: webhook target refused: ")
    assert third.startswith("webhooks[2].url_env: the variable that it names is not set")
    assert reason in first
    assert "T0KEN" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"url_env": "MISSING"}, "webhooks[0].url_env: the variable that it names is not set"),
        ({"url_file": "none"}, "webhooks[0].url_file: cannot read the file"),
        ({"url": URL, "secret_env": "MISSING"}, "webhooks[0].secret_env: the variable"),
        ({"url": URL, "secret_env": "WEAK"}, "less than 32 characters"),
        ({"url": URL, "ca_file": "none.pem"}, "webhooks[0].ca_file: cannot use none.pem: No such"),
    ],
)
def test_what_is_not_on_this_machine(
    fields: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret or a file that is not there is an error of its own kind that names the field."""
    monkeypatch.setenv("WEAK", "hunter2")
    with pytest.raises(AbsentError) as caught:
        targets(fields)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "alerts", "sent"),
    [
        (
            {},
            [{}, {"severity": "info"}, {"status": "updated"}, {"status": "silenced"}],
            [1, 1, 1, 0],  # only what workers publish
        ),
        ({"models": ["a*", "fraud"]}, [{}, {"model_id": "abc"}, {"model_id": "Abc"}], [1, 1, 0]),
        (
            {"severity": "warning"},
            [{"severity": each} for each in ("info", "warning", "critical")],
            [0, 1, 1],
        ),
        (
            {"statuses": ["firing", "resolved"]},
            [{"status": each} for each in ("firing", "updated", "resolved")],
            [1, 0, 1],
        ),
    ],
)
def test_which_alerts_are_sent(
    fields: dict[str, Any], alerts: list[dict[str, Any]], sent: list[bool]
) -> None:
    """A webhook gets the alerts of its models that are urgent enough and at the right stage."""
    [target] = targets({"url": URL, **fields})
    assert [target.wants(alert(**each)) for each in alerts] == sent


def test_a_body_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a secret a receiver can tell whose body it is; without one nothing is said."""
    monkeypatch.setenv("SECRET", SECRET)
    plain, signed = targets({"url": URL}, {"url": URL, "secret_env": "SECRET"})
    digest = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    assert sink_of(signed).headers("a1", b"{}") == {"X-Streamproc-Signature": f"sha256={digest}"}
    assert sink_of(plain).headers("a1", b"{}") == {}
    assert SECRET not in repr(signed)
