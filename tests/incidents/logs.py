"""Logs of alerts and commands for the tests of incidents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alert_factory import alert

from streamproc.config.escalate import EscalationRule
from streamproc.config.inhibit import DEFAULT_RULES
from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.deployments import Deployments
from streamproc.incidents.entries import CommandEntry, Entry, Tick
from streamproc.incidents.notification_groups import NotificationGroups
from streamproc.incidents.records import (
    BookRecord,
    Position,
    StoredBook,
    StoredValues,
    encode_batch,
)
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.incident_commands import PAYLOADS
from streamproc.schemas.incidents import IncidentState

GROUPED = load(
    {
        "sinks": [
            {"name": "pager", "kind": "pagerduty", "routing_key_env": "KEY"},
            {"name": "chat", "kind": "teams", "url_env": "URL", "models": ["[abc]"]},
        ],
        "routes": [
            {
                "match": ["kind = data"],
                "sinks": ["pager", "chat"],
                "group_by": ["feature"],
                "group_interval": "30s",
                "continue": True,
            },
            {
                "match": ["model =~ [ab]"],
                "sinks": ["pager"],
                "group_by": [],
                "group_interval": "1m",
                "group_wait": "4s",
                "repeat_interval": "2m",
            },
            {"sinks": ["chat"]},
        ],
    }
)
START = datetime(2026, 1, 5, 10, tzinfo=UTC)
WAIT = timedelta(seconds=10)
GRACE = timedelta(minutes=10)


def at(seconds: float) -> datetime:
    """Return a time of the log."""
    return START + timedelta(seconds=seconds)


def fired(
    model: str, feature: str = "fx_rate", *, onset: float = 0, delay: float = 5, **fields: Any
) -> AlertEvent:
    """Return the alert by which a feature of a model begins to fire, `onset` s after the start."""
    series = fields.pop("series", f"feature:{feature}")
    usual = {
        "alert_id": f"{model}/{series}/{onset:g}",
        "incident_id": f"incident of {model}",
        "model_id": model,
        "series": series,
        "ts": at(onset + delay),
        "change_point": {"ts": at(onset), "offset": 90},
        "before": {"n": 2000, "mean": 1.1, "std": 0.1},
        "after": {"n": 20, "mean": 110.0, "std": 10.0},
        "source": {"topic": "predictions", "partition": 0, "offset": 100},
    }
    return alert(**(usual | fields))


def later(before: AlertEvent, status: str = "resolved", by: int = 100) -> AlertEvent:
    """Return a later alert of a series."""
    source = before.source.model_copy(update={"offset": before.source.offset + by})
    return before.model_copy(
        update={"status": status, "alert_id": f"{before.alert_id}/{status}", "source": source}
    )


def command(verb: str, number: int = 1, by: str = "ana", **payload: Any) -> CommandEntry:
    """Return a verified command."""
    return CommandEntry(f"{by}#{number}", by, PAYLOADS[verb].model_validate(payload))


def sighted(model: str, version: str = "8", seconds: float = 0) -> VersionSighting:
    """Return the first sight of a version among the events of a model."""
    return VersionSighting.model_validate(
        {
            "model_id": model,
            "model_version": version,
            "previous": "7",
            "ts": at(seconds),
            "after": at(seconds - 2),
            "source": {"topic": "predictions", "partition": 0, "offset": 50 + int(seconds)},
        }
    )


def fold(*log: tuple[Entry, float], wait: timedelta = WAIT) -> IncidentBook:
    """Apply entries, each at some seconds after the start, to an empty book."""
    book = IncidentBook(wait, deployments=Deployments(GRACE))
    for entry, seconds in log:
        book.apply(entry, at(seconds))
    return book


def tick(seconds: float) -> tuple[Entry, float]:
    """Let time pass."""
    return Tick(), seconds


def only(book: IncidentBook) -> IncidentState:
    """Return the incident of a book that has one."""
    [incident] = book.incidents.values()
    return incident


def steps(incident: IncidentState) -> list[str]:
    """Return the steps of a timeline."""
    return [entry.step for entry in incident.timeline]


@dataclass
class Owner:
    """An owner of the incidents: it applies the log in batches, and writes the topic."""

    log: Sequence[tuple[Entry, float]]
    topic: list[BookRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the topic, as an owner does that takes over."""
        stored, values = StoredBook(), StoredValues()
        values.update(stored.feed(self.topic))
        self.position = stored.position or Position(-1)
        self.book = IncidentBook(
            WAIT,
            values.incidents.values(),
            values.silences.values(),
            self.position.now,
            rules=DEFAULT_RULES,
            escalation=[
                EscalationRule(after=timedelta(seconds=60), open_for=timedelta(hours=2), models=3)
            ],
            repeat_interval=timedelta(seconds=45),
            groups=NotificationGroups(
                GROUPED.routes,
                GROUPED.sinks,
                values.groups.values(),
                values.grouped.values(),
                values.incidents,
            ),
            deployments=Deployments(GRACE, values.deployments.values()),
        )
        self.book.rewrite(stored.stale)

    def batch(self, size: int) -> list[BookRecord]:
        """Apply the next entries; return the records to write."""
        begin = self.position.next_offset
        for entry, seconds in self.log[begin : begin + size]:
            self.book.apply(entry, at(seconds))
        end = min(len(self.log), begin + size) - 1
        self.position = Position(end, now=self.book.now)
        return encode_batch(self.book.take_changes(), self.position)

    @property
    def done(self) -> bool:
        """Whether the whole log is applied."""
        return self.position.number >= len(self.log) - 1


def contents(topic: Sequence[BookRecord]) -> dict[str, bytes]:
    """Return what a reader of the topic has in the end."""
    stored, values = StoredBook(), dict[str, bytes | None]()
    for record in topic:
        values |= stored.feed([record])
    return {key: value for key, value in values.items() if value is not None}


def expected(log: Sequence[tuple[Entry, float]]) -> dict[str, bytes]:
    """Return what the topic has after one undisturbed owner."""
    owner = Owner(log)
    return contents(owner.batch(len(log)))
