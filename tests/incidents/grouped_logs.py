"""Incidents in groups, and what a pager sends of them, for the tests of incidents."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from incidents.logs import WAIT, at, fired

from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.incidents.notification_groups import NotificationGroups
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.targets import targets_of

Log = Iterable[tuple[Entry, float]]
BY_OWNER = {"sinks": ["pager"], "group_by": ["owner"], "group_interval": "1m"}


def apart(model: str, owner: str = "risk", **fields: Any) -> AlertEvent:
    """Return the alert of a model with another cause than others have."""
    return fired(model, f"x{model}", owner=owner, **fields)


def played(
    log: Log, *routes: dict[str, Any], repeat: timedelta | None = None, **filters: Any
) -> tuple[IncidentBook, list[bytes]]:
    """Return the book after a log, and the values that the topic gets."""
    config = load(config_of(*routes, **filters))
    groups = NotificationGroups(config.routes, config.all_sinks)
    book, found = IncidentBook(WAIT, repeat_interval=repeat, groups=groups), list[bytes]()
    for entry, seconds in log:
        while (due := book.next_due()) is not None and due < at(seconds):
            book.apply(Tick(), due)  # as the owner does
            found += [state.to_json() for state in book.take_changes().values() if state]
        book.apply(entry, at(seconds))
        found += [state.to_json() for state in book.take_changes().values() if state]
    return book, found


def config_of(*routes: dict[str, Any], **filters: Any) -> dict[str, Any]:
    """Return a configuration with a pager and a chat."""
    pager = {"name": "pager", "kind": "pagerduty", "routing_key_env": "KEY"} | filters
    chat = {"name": "chat", "kind": "pagerduty", "routing_key_env": "KEY"}
    return {"sinks": [pager, chat], "routes": list(routes) or [BY_OWNER]}


def sent(values: Sequence[bytes], config: dict[str, Any], sink: int = 0) -> list[AlertEvent]:
    """Return what a sink sends for the records of the topic."""
    reader, found = targets_of(load(config))[sink].reader(), []
    for value in values:
        alert = reader.read(value)
        if alert is not None:
            reader.handled(alert)
            found.append(alert)
    return found


def pages(
    log: Log, *routes: dict[str, Any], repeat: timedelta | None = None, **filters: Any
) -> list[tuple[str, float, str]]:
    """Return the status, the time and the message of what the pager sends."""
    _, values = played(log, *routes, repeat=repeat, **filters)
    return [
        (alert.status, (alert.ts - at(0)).total_seconds(), alert.message)
        for alert in sent(values, config_of(*routes, **filters))
    ]
