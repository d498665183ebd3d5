"""Post alerts to Prometheus Alertmanager, which groups, silences and routes them.

`POST /api/v2/alerts` takes a list of alerts with `labels`, which identify an alert, `annotations`,
`startsAt` and `endsAt`. Without `endsAt` an alert ends `resolve_timeout` (5 minutes) after it was
last sent; alerts whose labels are equal and whose times overlap are merged.
https://prometheus.io/docs/alerting/latest/alerts_api/
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr

from streamproc.config.sinks.alertmanager import AlertmanagerSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http
from streamproc.sinks.http_target import egress_policy, host_of, http_opener
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.texts import facts

MAX_ALERTS: Final = 10_000
_NO_LABEL: Final = re.compile(r"[^A-Za-z0-9_]")


class AlertmanagerSink:
    """Post the alert of a series, with the same labels from its start to its end.

    The severity is a label, since routes need it, and may rise within an incident: then the alert
    with the labels of before is ended by the same request. With incidents across models, so are
    those whose owner changes.

    Parameters
    ----------
    url
        Of the instance.
    token
        Bearer token; None: none is sent.
    ends_after
        Time until Alertmanager ends an alert that is never resolved.
    per_incident
        Whether alerts are steps of incidents across models.
    """

    def __init__(
        self,
        url: str,
        token: SecretStr | None,
        ends_after: timedelta,
        *,
        per_incident: bool = False,
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._token = token
        self._ends_after = ends_after
        self._labels = incident_labels if per_incident else labels
        self._known: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._per_incident = per_incident
        self._last: AlertEvent | None = None

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return a list with the alert, and with the one that it replaces."""
        self._last = alert
        now = self._labels(alert)
        posted = [self._posted(alert, now, ends=alert.status == "resolved")]
        before = self._known.get(self._identity(alert), now)
        if before != now:
            posted.append(self._posted(alert, before, ends=True))
        token = "" if self._token is None else self._token.get_secret_value()
        return Request(
            self._url,
            json.dumps(posted).encode(),
            {"Authorization": f"Bearer {token}"} if token else {},
            (token,) if token else (),
        )

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status; the reason is the body, which is a JSON text."""
        outcome = classify_http(answer)
        if outcome.verdict is Verdict.DELIVERED and self._last is not None:
            self.observe(self._last)
        return outcome

    def observe(self, alert: AlertEvent) -> None:
        """Remember the labels that Alertmanager knows an alert by."""
        identity = self._identity(alert)
        self._known[identity] = self._labels(alert)
        self._known.move_to_end(identity)
        if alert.status == "resolved":
            del self._known[identity]
        elif len(self._known) > MAX_ALERTS:
            self._known.popitem(last=False)

    def _identity(self, alert: AlertEvent) -> str:
        if self._per_incident:
            return alert.incident_id
        return json.dumps({**labels(alert), "severity": ""}, sort_keys=True)

    def _posted(self, alert: AlertEvent, known_by: dict[str, str], *, ends: bool) -> dict[str, Any]:
        # Times of the wall clock: event time may be another day, and a start that is not before
        # the end is refused. Alertmanager merges an end with the start that it knows.
        now = alert.detected_at
        times = {"endsAt": now.isoformat()}
        if not ends:
            times = {"startsAt": now.isoformat(), "endsAt": (now + self._ends_after).isoformat()}
        return {"labels": known_by, "annotations": _annotations(alert, known_by), **times}


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


def incident_labels(alert: AlertEvent) -> dict[str, str]:
    """Return the labels of an incident across models, whose models and series may change."""
    known = {
        "alertname": "streamproc_incident",
        "incident": alert.incident_id,
        "severity": alert.severity,
        "owner": alert.owner or "",
    }
    return {name: value for name, value in known.items() if value}


def _annotations(alert: AlertEvent, known_by: Mapping[str, str]) -> dict[str, str]:
    details = {
        name.replace(" ", "_"): value
        for name, value in facts(alert).items()
        if name not in {*known_by, "severity", "owner", "runbook"}
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
    per_incident = section.follows_incidents
    sink = AlertmanagerSink(
        section.url, section.token(field), section.ends_after, per_incident=per_incident
    )
    return sink, opener
