"""Deliver alerts by Apprise, to its JSON receiver."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from alert_factory import alert
from sinks.strict import deliver, target_of

from streamproc.config.load import load
from streamproc.errors import ConfigError, MissingExtraError
from streamproc.sinks.delivery import deliver_once
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import InvalidSinkError, Outcome
from streamproc.sinks.targets import AbsentError, targets_of

SETTINGS = {"name": "phone", "kind": "apprise", "url_env": "APPRISE_URL"}
TOKEN = "T0KEN-T0KEN"  # noqa: S105  made up


@dataclass
class Receiver:
    """A server without TLS, what it answers and what it got."""

    status: int = 200
    port: int = 0
    got: list[Any] = field(default_factory=list)


@asynccontextmanager
async def receiving(monkeypatch: pytest.MonkeyPatch, status: int = 200) -> AsyncIterator[Receiver]:
    """Run a receiver until the block ends; the URL of the sink leads there."""
    ours = Receiver(status)

    async def handle(request: web.Request) -> web.Response:
        ours.got.append(await request.json())
        return web.Response(status=ours.status)

    app = web.Application()
    app.router.add_post(f"/{TOKEN}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ours.port = runner.addresses[0][1]
        monkeypatch.setenv("APPRISE_URL", f"json://127.0.0.1:{ours.port}/{TOKEN}")
        yield ours
    finally:
        await runner.cleanup()


async def outcome() -> Outcome:
    """Return what an answer to an alert means."""
    target = target_of(SETTINGS)
    one = alert("a")
    async with target.open_send() as send:
        return (await deliver_once(target.sink, send, one, one.to_json()))[1]


async def test_an_incident_is_a_notification_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Title, text and type are those of the step; the receiver's plug-in renders them."""
    async with receiving(monkeypatch) as receiver:
        begin = alert("a", severity="critical", message="amount rose", runbook="https://wiki/x")
        end = begin.model_copy(update={"status": "resolved", "alert_id": "b"})
        done = await deliver(target_of(SETTINGS | {"once": "alert"}), begin, end)
    assert done.count("delivered") == 2
    first, last = receiver.got
    assert (first["title"], first["type"]) == ("FIRING fraud feature:amount", "failure")
    assert first["message"].startswith("amount rose\n\nmodel: fraud\n")
    assert "runbook: https://wiki/x" in first["message"]
    assert (last["title"], last["type"]) == ("RESOLVED fraud feature:amount", "success")


@pytest.mark.parametrize(
    ("status", "verdict"), [(403, Verdict.REFUSED), (429, Verdict.LATER), (503, Verdict.LATER)]
)
async def test_a_refusal_has_the_reason_of_the_plug_in(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    verdict: Verdict,
) -> None:
    """Its log line is the reason, and appears nowhere else."""
    async with receiving(monkeypatch, status):
        found = await outcome()
    assert found.verdict is verdict
    assert found.reason.startswith(f"answered {status}: Failed to send JSON POST notification: ")
    assert [record for record in caplog.records if record.name == "apprise"] == []


async def test_a_receiver_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a status a failure may pass; the reason does not repeat the URL."""
    async with receiving(monkeypatch):
        pass
    found = await outcome()
    assert found.verdict is Verdict.LATER
    assert found.reason.startswith("not delivered: A Connection error occurred")
    assert TOKEN not in found.reason


def test_a_url_that_no_plug_in_knows_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names the key, and neither it nor the log repeats the URL."""
    for url in (f"nothing://{TOKEN}", f"tgram://{TOKEN}", TOKEN):
        monkeypatch.setenv("APPRISE_URL", url)
        with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as caught:
            targets_of(load({"sinks": [SETTINGS]}))
        assert str(caught.value) == (
            "sinks[0].url_env: Apprise knows no such URL, or parts are missing"
        )
    assert TOKEN not in caplog.text


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that only checks a configuration does not need Apprise."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AbsentError) as caught:
        targets_of(load({"sinks": [SETTINGS]}))
    advice = "apprise is not installed: pip install 'streamproc[apprise]'"
    assert str(caught.value) == f"sinks[0]: {advice}"
    with pytest.raises(MissingExtraError, match=r"streamproc\[apprise\]"):
        target_of_one()


def target_of_one() -> object:
    """Build the sink as `streamproc sinks test` does."""
    from streamproc.sinks.targets import target_named  # noqa: PLC0415

    return target_named(load({"sinks": [SETTINGS]}), "phone")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url_env": None}, "sinks[0].url_env: "),
        ({"networks": ["10.0.0.0/8"]}, "sinks[0].networks: leave it out: Apprise opens"),
        ({"ca_file": "/ca.pem"}, "sinks[0].ca_file: leave it out: Apprise opens"),
        ({"statuses": ["pending"]}, "sinks[0].statuses: expected statuses of incidents"),
    ],
)
def test_settings_without_effect_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the key of the config."""
    with pytest.raises(ConfigError) as caught:
        load({"sinks": [SETTINGS | settings]})
    assert message in str(caught.value)


def test_an_unknown_url_is_not_a_missing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` refuses it on whatever machine; a missing variable is one of this machine."""
    monkeypatch.setenv("APPRISE_URL", "nothing://x")
    with pytest.raises(InvalidSinkError):
        target_of_one()
    monkeypatch.delenv("APPRISE_URL")
    with pytest.raises(AbsentError):
        targets_of(load({"sinks": [SETTINGS]}))
