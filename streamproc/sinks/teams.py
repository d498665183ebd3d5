"""Post alerts as Adaptive Cards to Microsoft Teams.

A workflow with the trigger "When a Teams webhook request is received" takes a message whose
attachments are Adaptive Cards, at most 28 KB, and answers 202; an error is JSON with `error`. The
older connectors answered 200 with the error as text.
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
https://adaptivecards.io/explorer/
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from streamproc.config.sinks.teams import TeamsSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http, describe_answer, secrets_in
from streamproc.sinks.http_target import egress_policy, http_opener
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.texts import facts, runbook_url, shorten, title

# With 4 bytes for each character of the message and 16 facts it stays below 28 KB.
MAX_MESSAGE: Final = 3000
MAX_FACT: Final = 200
MAX_TITLE: Final = 200
_FAILED: Final = b"Webhook message delivery failed"
_COLORS: Final = {"info": "accent", "warning": "warning", "critical": "attention"}


@dataclass(frozen=True, slots=True)
class TeamsSink:
    """Post one card for each alert.

    Parameters
    ----------
    url
        Of the workflow; its path and query are secrets.
    """

    url: SecretStr

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the card of an alert."""
        url = self.url.get_secret_value()
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card(alert),
        }
        body = json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False)
        return Request(url, body.encode(), secrets=secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status, and by the text that connectors answer with 200."""
        if _FAILED in answer.text:
            later = b"429" in answer.text  # "… returned HTTP error 429"
            return Outcome(Verdict.LATER if later else Verdict.REFUSED, describe_answer(answer))
        return classify_http(answer)


def card(alert: AlertEvent) -> dict[str, Any]:
    """Return the Adaptive Card of an alert."""
    color = "good" if alert.status == "resolved" else _COLORS[alert.severity]
    runbook = runbook_url(alert)
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": plain(shorten(title(alert), MAX_TITLE)),
                "weight": "bolder",
                "color": color,
                "wrap": True,
            },
            {"type": "TextBlock", "text": plain(shorten(alert.message, MAX_MESSAGE)), "wrap": True},
            {
                "type": "FactSet",
                "facts": [
                    {"title": name, "value": plain(shorten(value, MAX_FACT))}
                    for name, value in facts(alert).items()
                ],
            },
        ],
        "actions": (
            [{"type": "Action.OpenUrl", "title": "Runbook", "url": runbook}] if runbook else []
        ),
    }


def plain(text: str) -> str:
    r"""Escape what a card takes for Markdown.

    Examples
    --------
    >>> print(plain("[a](b) *c* x_y"))
    \[a\](b) \*c\* x\_y
    """
    return "".join(f"\\{character}" if character in r"\[]*_" else character for character in text)


def build_teams(section: TeamsSection, field: str) -> tuple[TeamsSink, OpenSend]:
    """Read and check the URL.

    Raises
    ------
    ConfigError
        If the URL is missing on this machine.
    TargetRefusedError
        If it is not allowed.
    """
    url = section.address(field)
    rules = egress_policy(section, section.allow)
    return TeamsSink(url), http_opener(section, url, rules, field)
