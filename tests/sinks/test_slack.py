"""Deliver alerts to receivers that refuse what Slack refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from sinks.strict import Posted, Strict, deliver, strict_receiver, target_of

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import Target

TOKEN = "xoxb-0123456789"  # noqa: S105  made up
CHANNEL = "C0123456789"
LONG = {"message": "<!channel> " + "m" * 7900, "owner": "o" * 2000, "model_version": "v" * 2000}


def problems(body: dict[str, Any]) -> list[str]:
    """Return what Slack refuses in a message."""
    found: list[str] = []
    blocks = body.get("blocks", [])
    if not body.get("text"):
        found.append("no_text")
    if not 0 < len(blocks) <= 50:
        found.append("must have 1 to 50 blocks")
    if len(json.dumps(blocks)) > 13_000:
        found.append("msg_blocks_too_long")
    for place, block in enumerate(blocks):
        limit = 150 if block["type"] == "header" else 3000
        text = block.get("text", {}).get("text", "x")
        if not 0 < len(text) <= limit:
            found.append(f"must be less than {limit + 1} characters [json-pointer:/blocks/{place}]")
        fields = block.get("fields", [])
        if len(fields) > 10 or any(not 0 < len(each["text"]) <= 2000 for each in fields):
            found.append(f"invalid fields [json-pointer:/blocks/{place}]")
        if "<!channel>" in json.dumps(block) and block["type"] != "header":
            found.append("a mention that nobody meant")
    return found


def incoming_webhook(posted: Posted) -> tuple[int, str]:
    """Answer as an incoming webhook does."""
    if posted.path != "/services/T0/B0/T0KEN-T0KEN":
        return 404, "no_service"
    return (400, "invalid_blocks") if problems(posted.body) else (200, "ok")


class Channel:
    """A channel of Slack's Web API, which keeps its messages."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.errors: list[str] = []

    def __call__(self, posted: Posted) -> tuple[int, str]:
        """Answer as the Web API does: 200, with `ok` or `error`."""
        if self.errors:
            return 200, json.dumps({"ok": False, "error": self.errors.pop()})
        found = problems(posted.body)
        if posted.headers.get("Authorization") != f"Bearer {TOKEN}":
            error = "invalid_auth"
        elif posted.body.get("channel") != CHANNEL:
            error = "channel_not_found"
        elif found:
            metadata = {"messages": [f"[ERROR] {problem}" for problem in found]}
            return 200, json.dumps(
                {"ok": False, "error": "invalid_blocks", "response_metadata": metadata}
            )
        elif posted.path == "/api/chat.update":
            if posted.body["ts"] in self.messages:
                self.messages[posted.body["ts"]] = posted.body
                return 200, json.dumps({"ok": True, "channel": CHANNEL, "ts": posted.body["ts"]})
            error = "message_not_found"
        else:
            ts = f"17000000{len(self.messages):02}.000100"
            self.messages[ts] = posted.body
            return 200, json.dumps({"ok": True, "channel": CHANNEL, "ts": ts})
        return 200, json.dumps({"ok": False, "error": error})

    @property
    def top(self) -> dict[str, dict[str, Any]]:
        """The messages that are not replies."""
        return {ts: body for ts, body in self.messages.items() if "thread_ts" not in body}

    @property
    def replies(self) -> list[dict[str, Any]]:
        """The replies in threads."""
        return [body for body in self.messages.values() if "thread_ts" in body]


def bot(slack: Strict) -> Target:
    """Return the target of a bot."""
    return target_of(
        slack.settings(
            "slack",
            url=f"{slack.url}/api",
            allow=[f"127.0.0.1:{slack.port}"],
            token_env="SLACK_TOKEN",  # noqa: S106  a variable's name
            channel=CHANNEL,
        )
    )


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the bot's token."""
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)


async def test_an_incoming_webhook_gets_a_message_for_each_alert(
    loopback_certificate: tuple[Path, Path],
) -> None:
    """Messages have what a person looks for, within Slack's limits, and mention nobody."""
    async with strict_receiver(loopback_certificate, incoming_webhook) as slack:
        url = f"{slack.url}/services/T0/B0/T0KEN-T0KEN"
        target = target_of(slack.settings("slack", url=url, allow=[f"127.0.0.1:{slack.port}"]))
        await deliver(target, alert("a", owner="risk"), alert("b", status="updated", **LONG))
    assert slack.refused == []
    text = json.dumps(slack.accepted[0].body)
    assert "FIRING fraud feature:amount" in text
    assert "amount rose from 41.2 to 4120" in text
    assert "risk" in text


async def test_a_refused_message_names_slacks_error(
    loopback_certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """The error code of an incoming webhook is in the log, its URL is not."""
    async with strict_receiver(loopback_certificate, incoming_webhook) as slack:
        url = f"{slack.url}/services/T0/B0/T0KEN-GONE"
        target = target_of(slack.settings("slack", url=url, allow=[f"127.0.0.1:{slack.port}"]))
        await deliver(target, alert("a"))
    assert "refused: answered 404: no_service" in caplog.text
    assert "T0KEN" not in caplog.text


async def test_a_bot_has_one_message_for_an_incident(
    loopback_certificate: tuple[Path, Path],
) -> None:
    """The message of an incident is edited, and each alert is a reply to it with its details."""
    channel = Channel()
    async with strict_receiver(loopback_certificate, channel) as slack:
        delivered = await deliver(
            bot(slack),
            alert("a", incident_id="i"),
            alert("b", incident_id="i", status="updated", **LONG),
            alert("c", incident_id="other"),
            alert("d", incident_id="i", status="resolved"),
        )
    assert delivered.count("delivered") == 4
    first, other = channel.top.values()
    assert "RESOLVED" in first["text"]
    assert "FIRING" in other["text"]
    assert len(channel.replies) == 4
    assert {reply["thread_ts"] for reply in channel.replies} == set(channel.top)


async def test_a_deleted_message_is_posted_again(
    loopback_certificate: tuple[Path, Path],
) -> None:
    """If somebody deletes the message of an incident, its next alert is a new one."""
    channel = Channel()
    async with strict_receiver(loopback_certificate, channel) as slack:
        target = bot(slack)
        await deliver(target, alert("a", incident_id="i"))
        channel.messages.clear()
        delivered = await deliver(target, alert("b", incident_id="i", status="updated"))
    assert delivered.count("delivered") == 1
    assert len(channel.top) == 1


async def test_a_retry_repeats_no_message(loopback_certificate: tuple[Path, Path]) -> None:
    """If the reply fails for a while, only the reply is sent again."""
    channel = Channel()
    async with strict_receiver(loopback_certificate, channel) as slack:
        target = bot(slack)
        async with target.open_send() as send:
            one = alert("a")
            answer = await send(target.sink.render(one, b""))
            assert target.sink.classify(answer).verdict.value == "more"
            channel.errors = ["ratelimited"]
            outcome = target.sink.classify(await send(target.sink.render(one, b"")))
            assert (outcome.verdict.value, outcome.reason) == ("later", "ratelimited")
            outcome = target.sink.classify(await send(target.sink.render(one, b"")))
            assert outcome.verdict.value == "delivered"
    assert (len(channel.top), len(channel.replies)) == (1, 1)


async def test_an_error_of_the_web_api_is_a_refusal(
    loopback_certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Slack answers 200 to what it refuses: that counts as refused, with its reason."""
    channel = Channel()
    channel.errors = ["not_in_channel"]
    async with strict_receiver(loopback_certificate, channel) as slack:
        delivered = await deliver(bot(slack), alert("a"))
    assert delivered.count("delivered") == 0
    assert delivered.count("dropped", reason="refused") == 1
    assert "alert 'a' dropped: refused: not_in_channel" in caplog.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "sinks[0].url: expected this, `url_env` or `url_file` of an incoming webhook"),
        ({"token_env": "A"}, "sinks[0].channel: is required with a bot's token"),
        ({"url_env": "A", "channel": CHANNEL}, "sinks[0].channel: an incoming webhook has its"),
        ({"token_env": "A", "token_file": "b", "channel": CHANNEL}, "sinks[0].token_env: expected"),
    ],
)
def test_settings_that_do_not_fit(fields: dict[str, str], message: str) -> None:
    """Settings of a bot and of an incoming webhook are not mixed."""
    with pytest.raises(ConfigError) as caught:
        load({"sinks": [{"name": "chat", "kind": "slack", **fields}]})
    assert message in str(caught.value)
