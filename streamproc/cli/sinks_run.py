"""Send a test alert to one sink, and report the receiver's answer."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from streamproc.config.config import Config
from streamproc.errors import ConfigError, StreamprocError
from streamproc.schemas.alerts import AlertEvent, Status
from streamproc.schemas.base import Source
from streamproc.schemas.section import suggest
from streamproc.sinks.delivery import deliver_once
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import TEST_DETECTOR
from streamproc.sinks.targets import target_named
from streamproc.terminal import printable

TEST_MODEL = "streamproc-test"


class NotDeliveredError(StreamprocError):
    """The receiver did not take the test alert; the message has its reason."""


def sink_lines(config: Config) -> Iterator[str]:
    """Yield a line for each sink: its name, kind, and the alerts that it asks for."""
    kinds = {sink.name: sink.kind for sink in config.sinks}
    for sink in config.all_sinks:
        models = ", ".join(map(printable, sink.models))
        filters = f"models {models}; {sink.severity} or more urgent; {', '.join(sink.statuses)}"
        yield f"{sink.name} ({kinds.get(sink.name, 'webhook')}): {filters}"


async def send_test(config: Config, name: str, *, resolve: bool) -> list[str]:
    """Send one alert, and its end if that is wanted; return a line for each answer.

    Raises
    ------
    ConfigError
        If there is no such sink, or its settings are not valid.
    NotDeliveredError
        If the receiver refuses, or does not answer.
    """
    known = [sink.name for sink in config.all_sinks]
    if name not in known:
        hint = suggest(name, known) if known else "the config has neither sinks nor webhooks"
        raise ConfigError(f"unknown sink {printable(name)!r}; {hint}")
    target = target_named(config, name)
    incident_id = f"test-{uuid.uuid4().hex}"
    statuses: tuple[Status, ...] = ("firing", "resolved") if resolve else ("firing",)
    lines: list[str] = []
    async with target.open_send() as send:
        for status in statuses:
            alert = _test_alert(name, incident_id, status)
            try:
                _, outcome = await deliver_once(target.sink, send, alert, alert.to_json())
            except StreamprocError as error:
                raise NotDeliveredError(f"sink {name}: no answer: {error}") from error
            reason = printable(outcome.reason)
            if outcome.verdict is Verdict.REFUSED:
                raise NotDeliveredError(f"sink {name}: refused: {reason}")
            if outcome.verdict is not Verdict.DELIVERED:
                raise NotDeliveredError(
                    f"sink {name}: not taken now, a worker would try again: {reason}"
                )
            lines.append(f"sink {name}: {status}: delivered: {reason}")
    return lines


def _test_alert(sink: str, incident_id: str, status: Status) -> AlertEvent:
    now = datetime.now(UTC)
    return AlertEvent(
        alert_id=f"{incident_id}-{status}",
        incident_id=incident_id,
        status=status,
        model_id=TEST_MODEL,
        kind="system",
        series=f"sink:{sink}",
        detector=TEST_DETECTOR,
        severity="info",
        message=f"TEST: `streamproc sinks test {sink}` sent this. No model has changed, and there"
        " is nothing to do.",
        ts=now,
        detected_at=now,
        source=Source(topic="sinks-test", partition=0, offset=0),
    )
