"""Ask for a model to be retrained, once for each of its incidents.

The request is a CloudEvent in structured JSON, signed as webhooks are. Its id is the same whenever
it is sent, so that a receiver can drop what it has seen.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from streamproc.config.sinks.retrain import RetrainSection
from streamproc.schemas.alerts import AlertEvent, ChangePoint, Summary
from streamproc.schemas.timestamps import format_timestamp
from streamproc.sinks.answers import secrets_in
from streamproc.sinks.incident_status import MAX_INCIDENTS
from streamproc.sinks.sink import TEST_DETECTOR, Answer, OpenSend, Outcome, Request
from streamproc.sinks.webhook import WebhookSink, build_webhook

TYPE: Final = "io.streamproc.retrain"
TEST_TYPE: Final = f"{TYPE}.test"
"""Of `streamproc sinks test`, which must not retrain anything."""


@dataclass(frozen=True, slots=True)
class RetrainSink:
    """Write a CloudEvent for an alert.

    Parameters
    ----------
    webhook
        Where to, and what signs.
    """

    webhook: WebhookSink

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the request to retrain the model of an alert."""
        event = cloud_event(alert)
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        url = self.webhook.url.get_secret_value()
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        signature = self.webhook.headers(event["id"], body)
        return Request(url, body, {**headers, **signature}, secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status."""
        return self.webhook.classify(answer)


def cloud_event(alert: AlertEvent) -> dict[str, Any]:
    """Return the CloudEvent of an alert."""
    source, began = alert.source, alert.change_point
    return {
        "specversion": "1.0",
        "id": f"{alert.incident_id}-retrain",
        "source": "/streamproc",
        "type": TEST_TYPE if alert.detector == TEST_DETECTOR else TYPE,
        "subject": alert.model_id,
        "time": format_timestamp(alert.ts),
        "datacontenttype": "application/json",
        "data": {
            "model_id": alert.model_id,
            "model_version": alert.model_version,
            "incident_id": alert.incident_id,
            "severity": alert.severity,
            "owner": alert.owner,
            "cause": {
                "kind": alert.kind,
                "series": alert.series,
                "segment": alert.segment,
                "detector": alert.detector,
                "message": alert.message,
                "before": _summary(alert.before),
                "after": _summary(alert.after),
            },
            "window": {
                "topic": source.topic,
                "partition": source.partition,
                "first_offset": None if began is None else began.offset,
                "last_offset": source.offset,
            },
        },
    }


def _summary(values: Summary | None) -> dict[str, Any] | None:
    return None if values is None else values.model_dump(mode="json")


class _Place(NamedTuple):
    """An incident of a model in a partition, whose offsets can be compared."""

    incident_id: str
    topic: str
    partition: int


class OnceReader:
    """Read alerts, of which the first one of each incident is sent.

    Parameters
    ----------
    selects
        Whether the sink gets an alert, of whatever status.
    wants
        Whether the sink gets an alert.
    """

    def __init__(
        self, selects: Callable[[AlertEvent], bool], wants: Callable[[AlertEvent], bool]
    ) -> None:
        self._selects = selects
        self._wants = wants
        self._began: OrderedDict[_Place, ChangePoint] = OrderedDict()
        self._sent: OrderedDict[str, None] = OrderedDict()

    def read(self, value: bytes) -> AlertEvent | None:
        """Return the alert to send, with the position at which the incident began."""
        alert = AlertEvent.from_json(value)
        if not self._selects(alert):
            return None
        began = self._first_change(alert)
        if alert.incident_id in self._sent or not self._wants(alert):
            return None
        return alert.model_copy(update={"change_point": began})

    def handled(self, alert: AlertEvent) -> None:
        """Remember that an incident was sent, or dropped."""
        self._sent[alert.incident_id] = None
        if len(self._sent) > MAX_INCIDENTS:
            self._sent.popitem(last=False)

    def remember(self, value: bytes) -> None:
        """Take note of an alert that was handled before."""
        try:
            alert = self.read(value)
        except ValidationError:
            return
        if alert is not None:
            self.handled(alert)

    def _first_change(self, alert: AlertEvent) -> ChangePoint | None:
        """Return the earliest change of an incident so far; alerts of its end have none."""
        place = _Place(alert.incident_id, alert.source.topic, alert.source.partition)
        known, new = self._began.get(place), alert.change_point
        if new is not None and (known is None or new.offset < known.offset):
            self._began[place] = known = new
            if len(self._began) > MAX_INCIDENTS:
                self._began.popitem(last=False)
        return known


def build_retrain(section: RetrainSection, field: str) -> tuple[RetrainSink, OpenSend]:
    """Read the secrets of a sink, and check its URL.

    Raises
    ------
    ConfigError
        If secrets or files are missing on this machine, or a secret is not valid.
    TargetRefusedError
        If the URL is not allowed.
    """
    webhook, opener = build_webhook(section, field)
    return RetrainSink(webhook), opener
