"""Collect what workers reported about the events that they were sent, and print it."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct, field
from pydantic import ValidationError
from rich.text import Text

from streamproc.cli.dead_letters_run import read_letter
from streamproc.cli.tables import new_table, print_table
from streamproc.config.config import Config
from streamproc.kafka.log_reader import BoundedLogReader
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.timestamps import format_timestamp
from streamproc.terminal import printable

_UNREADABLE: Final = "unreadable"
# Detectors of the alerts about inputs, and the name of the finding.
_FINDINGS: Final = {
    "inputs": "field",
    "kind": "type",
    "limits": "limit",
    "placement": "placement",
    "labels_not_joined": "labels",
    "uneven_topics": "labels",
    "state_gap": "gap",
    "unreadable": _UNREADABLE,
    "unmapped": _UNREADABLE,
    "unreadable_labels": _UNREADABLE,
}
ANY_MODEL: Final = "*"
# Dead letters are counted by key; further keys are counted together.
MAX_KEYS: Final = 1000


class Finding(Struct, frozen=True):
    """How events of a model were read, or not.

    Attributes
    ----------
    model_id
        The model; ``*``: of no single model, or unknown.
    finding
        `field`, `type`, `limit`, `placement`, `labels`, `gap` or `unreadable`.
    topic
        Topic of the events.
    since
        Time of the first report, RFC 3339.
    message
        What was found, and what to do.
    count
        Number of records, for `unreadable`; else 1.
    """

    model_id: str
    finding: str
    topic: str
    since: str
    message: str
    count: int = 1


class Findings(Struct):
    """Findings of the alerts and dead letters that were added."""

    alerts: dict[str, AlertEvent] = field(default_factory=dict)
    letters: dict[tuple[str, str, str], tuple[int, int, str]] = field(default_factory=dict)

    def add_alert(self, value: bytes) -> None:
        """Add a record of the alerts; a resolved one removes its finding."""
        try:
            alert = AlertEvent.from_json(value)
        except ValidationError:
            return
        if alert.detector not in _FINDINGS:
            return
        if alert.status == "resolved":
            self.alerts.pop(alert.incident_id, None)
        else:
            self.alerts.setdefault(alert.incident_id, alert)

    def add_letter(self, record: ConsumerRecord) -> None:
        """Add a record of the dead letters."""
        letter = read_letter(record)
        if letter is None:
            return
        model = (record.key or b"").decode("utf-8", "replace") or ANY_MODEL
        key = model, letter.topic, letter.reason
        if key not in self.letters and len(self.letters) >= MAX_KEYS:
            key = ANY_MODEL, letter.topic, letter.reason
        count, since, detail = self.letters.get(key, (0, letter.timestamp, letter.detail))
        self.letters[key] = count + 1, min(since, letter.timestamp), detail

    def of(self, glob: str) -> list[Finding]:
        """Return the findings of models that match, by model and time."""
        found = [*self._of_alerts(), *self._of_letters()]
        chosen = [each for each in found if fnmatchcase(each.model_id, glob)]
        return sorted(chosen, key=lambda each: (each.model_id, each.since, each.message))

    def _of_alerts(self) -> Iterator[Finding]:
        for alert in self.alerts.values():
            since = format_timestamp(alert.ts)
            finding = _FINDINGS[alert.detector]
            yield Finding(alert.model_id, finding, alert.source.topic, since, alert.message)

    def _of_letters(self) -> Iterator[Finding]:
        for (model, topic, reason), (count, since, detail) in self.letters.items():
            moment = format_timestamp(datetime.fromtimestamp(since / 1000, UTC))
            message = (
                f"{count} of its records could not be read: {reason}, such as {detail};"
                f" `streamproc dead-letters --topic {topic}` lists them"
            )
            yield Finding(model, _UNREADABLE, topic, moment, message, count)


async def print_inputs(config: Config, glob: str, *, as_json: bool) -> None:
    """Print the findings of models that match.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        If the cluster does not answer, or rejects the login.
    TopicError
        If no worker has run on it.
    """
    with quiet_client():
        found = (await _read(config)).of(glob)
    if as_json:
        sys.stdout.writelines(msgspec.json.encode(each).decode() + "\n" for each in found)
        return
    table = new_table("model", "finding", "topic", "since", "what")
    for each in found:
        since = each.since[: len("2026-01-05T10:00:00")] + "Z"
        cells = each.model_id, each.finding, each.topic, since, each.message
        table.add_row(*(Text(printable(cell)) for cell in cells))
    print_table(table, "no worker has reported anything about these inputs")


async def _read(config: Config) -> Findings:
    findings = Findings()
    alerts, letters = (config.topics.full_name(kind) for kind in ("alerts", "dead_letters"))
    async with BoundedLogReader(config, (alerts, letters)) as log:
        async for (topic, _), records in log:
            for record in records:
                if topic == alerts:
                    findings.add_alert(record.value or b"")
                else:
                    findings.add_letter(record)
    return findings
