"""Trigger, acknowledge and resolve incidents of PagerDuty.

An event of the Events API v2 is a JSON object with `routing_key`, `event_action`, `dedup_key` and,
to trigger, a `payload` with `summary` (at most 1024 characters), `source` and `severity`. The
answer is 202, or 400 with a list `errors`; 429 and 5xx are to be retried.
https://developer.pagerduty.com/docs/send-alert-event
https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from streamproc.config.sinks.pagerduty import PagerDutySection
from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent, Status
from streamproc.schemas.clip import clip
from streamproc.sinks.answers import classify_http
from streamproc.sinks.http_target import egress_policy, host_of, http_opener
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.texts import facts, runbook_url, shorten

MAX_SUMMARY: Final = 1024
MAX_DEDUP_KEY: Final = 255
_KEY_LENGTH: Final = 32
_ACTIONS: Final[dict[Status, str]] = {
    "firing": "trigger",
    "updated": "trigger",
    "settled": "trigger",  # the level is another one: it is not over
    "resolved": "resolve",
    "acknowledged": "acknowledge",
    "silenced": "acknowledge",  # nobody is paged any more, and it is not over
}


@dataclass(frozen=True, slots=True)
class PagerDutySink:
    """Send events of the Events API v2, with the incident's id as `dedup_key`.

    Parameters
    ----------
    url
        Of the Events API.
    routing_key
        Integration key of the service.
    """

    url: str
    routing_key: SecretStr

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the event of an alert."""
        key = self.routing_key.get_secret_value()
        event: dict[str, Any] = {
            "routing_key": key,
            "event_action": _ACTIONS[alert.status],
            "dedup_key": clip(alert.incident_id, MAX_DEDUP_KEY),
        }
        if event["event_action"] == "trigger":
            event |= {"client": "streamproc", "payload": _payload(alert)}
            runbook = runbook_url(alert)
            if runbook is not None:
                event["links"] = [{"href": runbook, "text": "Runbook"}]
        return Request(self.url, json.dumps(event).encode(), secrets=(key,))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status; the reason is the list `errors`."""
        return classify_http(answer)


def _payload(alert: AlertEvent) -> dict[str, Any]:
    return {
        "summary": shorten(alert.message, MAX_SUMMARY),
        "source": alert.model_id,
        "severity": alert.severity,  # info, warning and critical are PagerDuty's, too
        "timestamp": alert.ts.isoformat(),
        "component": alert.series,
        "class": alert.kind,
        **({"group": alert.owner} if alert.owner else {}),
        "custom_details": {**facts(alert), "message": alert.message},
    }


def build_pagerduty(section: PagerDutySection, field: str) -> tuple[PagerDutySink, OpenSend]:
    """Read the integration key, and check the URL.

    Raises
    ------
    ConfigError
        If the key is missing on this machine, or is not one.
    TargetRefusedError
        If the URL is not allowed.
    """
    rules = egress_policy(section, [host_of(section.url)])
    opener = http_opener(section, SecretStr(section.url), rules, field)
    key = section.routing_key(field)
    if len(key) != _KEY_LENGTH:
        raise ConfigError(
            f"{field}.routing_key: expected {_KEY_LENGTH} characters, the integration key of"
            " an Events API v2 integration"
        )
    return PagerDutySink(section.url, key), opener
