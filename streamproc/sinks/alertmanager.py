"""Post alerts to Prometheus Alertmanager, which groups, silences and routes them.

`POST /api/v2/alerts` takes a list of alerts with `labels`, which identify an alert, `annotations`,
`startsAt` and `endsAt`. Without `endsAt` an alert ends `resolve_timeout` (5 minutes) after it was
last sent; alerts whose labels are equal and whose times overlap are merged.
https://prometheus.io/docs/alerting/latest/alerts_api/
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr

from streamproc.config.sinks.alertmanager import AlertmanagerSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http
from streamproc.sinks.http_target import egress_policy, host_of, http_opener
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.texts import facts

_NO_LABEL: Final = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True)
class AlertmanagerSink:
    """Post the alert of a series; its labels are the same from its start to its end.

    Parameters
    ----------
    url
        Of the instance.
    token
        Bearer token; None: none is sent.
    ends_after
        Time until Alertmanager ends an alert that is never resolved.
    """

    url: str
    token: SecretStr | None
    ends_after: timedelta

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return a list with the one alert."""
        posted: dict[str, Any] = {"labels": labels(alert), "annotations": _annotations(alert)}
        # Times of the wall clock: event time may be another day, and a start that is not before
        # the end is refused. Alertmanager merges an end with the start that it knows.
        if alert.status == "resolved":
            posted["endsAt"] = alert.detected_at.isoformat()
        else:
            posted["startsAt"] = alert.detected_at.isoformat()
            posted["endsAt"] = (alert.detected_at + self.ends_after).isoformat()
        token = "" if self.token is None else self.token.get_secret_value()
        return Request(
            f"{self.url.rstrip('/')}/api/v2/alerts",
            json.dumps([posted]).encode(),
            {"Authorization": f"Bearer {token}"} if token else {},
            (token,) if token else (),
        )

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status; the reason is the body, which is a JSON text."""
        return classify_http(answer)


def labels(alert: AlertEvent) -> dict[str, str]:
    """Return the labels of an alert: what it is about, and nothing that changes while it lasts."""
    segment = {
        f"segment_{_NO_LABEL.sub('_', tag)}": value
        for tag, value in sorted((alert.segment or {}).items())
    }
    known = {
        "alertname": f"streamproc_{alert.kind}",
        "model": alert.model_id,
        "series": alert.series,
        "kind": alert.kind,
        "severity": alert.severity,
        "owner": alert.owner or "",
        "incident": alert.incident_id,
        **segment,
    }
    return {name: value for name, value in known.items() if value}


def _annotations(alert: AlertEvent) -> dict[str, str]:
    details = {
        name.replace(" ", "_"): value
        for name, value in facts(alert).items()
        if name not in {"model", "series", "kind", "severity", "owner", "incident", "runbook"}
    }
    runbook = {"runbook_url": alert.runbook} if alert.runbook else {}
    return {"summary": alert.message, "status": alert.status, **runbook, **details}


def build_alertmanager(
    section: AlertmanagerSection, field: str
) -> tuple[AlertmanagerSink, OpenSend]:
    """Read the token, and check the URL.

    Raises
    ------
    ConfigError
        If the token is missing on this machine.
    TargetRefusedError
        If the URL is not allowed.
    """
    plain = section.url.startswith("http://")
    rules = egress_policy(section, [host_of(section.url)], plain=plain)
    opener = http_opener(section, SecretStr(section.url), rules, field)
    return AlertmanagerSink(section.url, section.token(field), section.ends_after), opener
