"""Post alerts to Slack, by an incoming webhook or as a bot.

A message has at most 50 blocks; the text of a section has at most 3000 characters, that of a header
150, and a section at most 10 fields of 2000 characters. An incoming webhook answers 200 `ok`, or
4xx with an error code as text. The Web API answers 200 with `ok` and, if that is false, `error`.
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
https://docs.slack.dev/reference/methods/chat.postMessage
https://docs.slack.dev/reference/methods/chat.update
https://docs.slack.dev/reference/block-kit/blocks/
"""

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from streamproc.config.sinks.slack import SlackSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http, reason_of, secrets_in
from streamproc.sinks.http_target import egress_policy, http_opener
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.texts import facts, runbook_url, shorten, title

MAX_TEXT: Final = 3000
MAX_HEADER: Final = 150
MAX_FIELDS: Final = 10
# Slack permits 2000, and refuses messages with more than some 13,000 characters in all blocks.
MAX_FIELD: Final = 500
# Longest text of a notification that Slack does not cut.
MAX_FALLBACK: Final = 4000
MAX_MESSAGES: Final = 10_000
# Errors of the Web API that pass by themselves.
_LATER: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
    | {"request_timeout", "team_added_to_org"}
)
# The message that was to be edited is not there any more, or is too old.
_LOST: Final = frozenset({"message_not_found", "edit_window_closed", "cant_update_message"})
_FACTS: Final = ("model", "version", "segment", "severity", "owner", "since", "before", "after")


@dataclass(frozen=True, slots=True)
class SlackWebhookSink:
    """Post one message for each alert to an incoming webhook.

    Parameters
    ----------
    url
        Of the incoming webhook; its path is a secret.
    """

    url: SecretStr

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the message of an alert."""
        url = self.url.get_secret_value()
        body = message(alert)
        body["blocks"] += details(alert)
        return Request(url, json.dumps(body).encode(), secrets=secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status; the reason is the error code in the body."""
        return classify_http(answer)


class _Message(NamedTuple):
    """A posted message: the id of its channel, and its timestamp, which identifies it there."""

    channel: str
    ts: str


class SlackBotSink:
    """Post one message for each incident, edit it, and reply to it with the details.

    After a restart the next alert of an incident posts a new message: Slack does not let a bot with
    `chat:write` search for the one before.

    Parameters
    ----------
    api
        URL of the Web API.
    token
        Token of the bot, with the scope `chat:write`.
    channel
        Id of the channel.
    """

    def __init__(self, api: str, token: SecretStr, channel: str) -> None:
        self._api = api.rstrip("/")
        self._token = token
        self._channel = channel
        self._messages: OrderedDict[str, _Message] = OrderedDict()
        # The incident and alert of the last request, and whether its message is up to date.
        self._incident_id = ""
        self._alert_id = ""
        self._is_shown = False

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return what posts or edits the message of an incident, or then the reply to it."""
        if alert.alert_id != self._alert_id:
            self._is_shown = False
        self._incident_id, self._alert_id = alert.incident_id, alert.alert_id
        known = self._messages.get(alert.incident_id)
        if known is None:
            return self._call("chat.postMessage", {"channel": self._channel, **message(alert)})
        if self._is_shown:
            reply = {"channel": known.channel, "thread_ts": known.ts, "text": _line(alert)}
            return self._call("chat.postMessage", reply | {"blocks": details(alert)})
        edited = {"channel": known.channel, "ts": known.ts, **message(alert)}
        return self._call("chat.update", edited)

    def classify(self, answer: Answer) -> Outcome:
        """Decide by `ok` and `error` of the body."""
        try:
            body = json.loads(answer.text)
        except ValueError:
            body = None
        if answer.status != 200 or not isinstance(body, dict):  # 429 and 5xx are of the HTTP server
            verdict, reason = classify_http(answer)
            return Outcome(Verdict.LATER if verdict is Verdict.DELIVERED else verdict, reason)
        if body.get("ok") is True:
            return self._accepted(body)
        error = str(body.get("error"))
        if error in _LATER:
            return Outcome(Verdict.LATER, error)
        if error in _LOST and self._incident_id in self._messages:
            del self._messages[self._incident_id]
            return Outcome(Verdict.MORE, error)  # posts a new message
        return Outcome(Verdict.REFUSED, _reason(answer, body))

    def _accepted(self, body: dict[str, Any]) -> Outcome:
        if self._is_shown:
            self._is_shown, self._alert_id = False, ""
            return Outcome(Verdict.DELIVERED, "ok")
        known = self._messages.get(self._incident_id)
        if known is None:
            posted = _Message(str(body.get("channel", self._channel)), str(body.get("ts", "")))
            self._messages[self._incident_id] = posted
            if len(self._messages) > MAX_MESSAGES:
                self._messages.popitem(last=False)
        self._is_shown = True
        return Outcome(Verdict.MORE, "ok")

    def _call(self, method: str, body: dict[str, Any]) -> Request:
        token = self._token.get_secret_value()
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
        }
        return Request(f"{self._api}/{method}", json.dumps(body).encode(), headers, (token,))


def message(alert: AlertEvent) -> dict[str, Any]:
    """Return the message of an incident: what changed, and for whom."""
    shown = facts(alert)
    fields = [
        {"type": "mrkdwn", "text": shorten(f"*{name}*\n{escape(shown[name])}", MAX_FIELD)}
        for name in _FACTS
        if name in shown
    ]
    blocks = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": shorten(title(alert), MAX_HEADER)},
        },
        _section(escape(alert.message)),
        {"type": "section", "fields": fields[:MAX_FIELDS]},
    ]
    runbook = runbook_url(alert)
    if runbook is not None:
        blocks.append(_section(f"Runbook: {escape(runbook)}"))
    return {"text": shorten(_line(alert), MAX_FALLBACK), "blocks": blocks}


def details(alert: AlertEvent) -> list[dict[str, Any]]:
    """Return the block of what explains an alert: evidence, source and ids."""
    shown = facts(alert)
    lines = [f"*{name}* {escape(shown[name])}" for name in shown if name not in _FACTS]
    return [_section("\n".join(lines))]


def escape(text: str) -> str:
    """Escape what Slack's mrkdwn takes for a link or a mention.

    Examples
    --------
    >>> escape("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(alert: AlertEvent) -> str:
    return escape(f"{title(alert)}: {alert.message}")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": shorten(text, MAX_TEXT)}}


def _reason(answer: Answer, body: dict[str, Any]) -> str:
    """Return the error code, and what Slack says about it."""
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    more = reason_of(json.dumps({"errors": messages}).encode()) if messages else ""
    return f"{reason_of(answer.text)}: {more}" if more else reason_of(answer.text)


def build_slack(
    section: SlackSection, field: str
) -> tuple[SlackWebhookSink | SlackBotSink, OpenSend]:
    """Read the URL or the bot's token, and check the URL.

    Raises
    ------
    ConfigError
        If the secret is missing on this machine.
    TargetRefusedError
        If the URL is not allowed.
    """
    rules = egress_policy(section, section.allow)
    url = section.address(field)
    opener = http_opener(section, url, rules, field)
    if section.channel is None:
        return SlackWebhookSink(url), opener
    return SlackBotSink(url.get_secret_value(), section.token(field), section.channel), opener
