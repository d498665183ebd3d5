"""Read what a sink sends from the records of a topic: its alerts, or pages of incidents. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import msgspec
from pydantic import ValidationError

from streamproc.schemas.alerts import AlertEvent, Status
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.notification_groups import GROUP_KEY, NotificationGroup
from streamproc.sinks.group_alert import group_alert
from streamproc.sinks.incident_status import MAX_INCIDENTS, IncidentStatus
from streamproc.sinks.page_alert import page_alert, parts_of

Wants = Callable[[AlertEvent], bool]


class Reader(Protocol):
    """Decides what a sink sends for a record."""

    def read(self, value: bytes) -> AlertEvent | None:
        """Return what is to be sent for a record; None: nothing.

        Raises
        ------
        pydantic.ValidationError
            If the record cannot be read.
        """
        ...

    def handled(self, alert: AlertEvent) -> None:
        """Remember that what was last read is delivered, or dropped."""
        ...

    def remember(self, value: bytes) -> None:
        """Take note of a record that was handled before this process read the topic."""
        ...


class AlertReader:
    """Read alerts, each of which is sent.

    Parameters
    ----------
    wants
        Whether the sink gets an alert.
    per_incident
        Whether its receiver has one entry for an incident of a model.
    observe
        Is called with the alerts that are remembered.
    """

    def __init__(
        self,
        wants: Wants,
        observe: Callable[[AlertEvent], None] | None = None,
        *,
        per_incident: bool = False,
    ) -> None:
        self._wants = wants
        self._observe = observe
        self._per_incident = per_incident
        self._status = IncidentStatus()

    def read(self, value: bytes) -> AlertEvent | None:
        """Return an alert with the status of its incident, if it is wanted and not a repeat."""
        alert = AlertEvent.from_json(value)
        if not self._wants(alert):
            return None
        if not self._per_incident:
            return alert
        return None if self._status.repeated(alert) else self._status.apply(alert)

    def handled(self, alert: AlertEvent) -> None:
        """Remember that an alert is delivered, or dropped."""
        self._status.handled(alert)

    def remember(self, value: bytes) -> None:
        """Take note of an alert that was handled before."""
        try:
            alert = AlertEvent.from_json(value)
        except ValidationError:
            return
        if not self._wants(alert):
            return
        if self._observe is not None:
            self._observe(alert)
        self._status.apply(alert)
        self._status.handled(alert)


class Progress(NamedTuple):
    """What a receiver knows of an incident.

    Attributes
    ----------
    paged
        The page that it was last sent; None: none.
    acknowledged
        Since when it counts as acknowledged; None: it does not.
    open
        Whether its entry is open.
    """

    paged: datetime | None = None
    acknowledged: datetime | None = None
    open: bool = False


_NEW: Final = Progress()


class PageReader:
    """Read incidents across models: each page, acknowledgement and end is sent once.

    Incidents that the sink gets in groups are sent as the groups of the topic say.

    Parameters
    ----------
    sink
        Name of the sink.
    selects
        Whether the sink gets an alert, of whatever status: it hears of an incident with a series
        that it gets.
    statuses
        The statuses that it gets. An acknowledgement goes to those who get `updated`.
    observe
        Is called with the steps that are remembered.
    """

    def __init__(
        self,
        sink: str,
        selects: Wants,
        statuses: Collection[Status],
        observe: Callable[[AlertEvent], None] | None = None,
    ) -> None:
        self._sink = sink
        self._observe = observe
        self._selects = selects
        self._statuses = {*statuses, *(("acknowledged",) if "updated" in statuses else ())}
        self._known: OrderedDict[str, Progress] = OrderedDict()
        self._read = "", _NEW

    def read(self, value: bytes) -> AlertEvent | None:
        """Return the alert about the step of an incident that its receiver does not know."""
        state = _state(value)
        if state is None:
            return None
        alert, key, progress = self._next(state)
        self._read = key, progress
        if alert is not None and alert.status in self._statuses:
            return alert
        self._put(*self._read)
        return None

    def handled(self, alert: AlertEvent) -> None:  # noqa: ARG002  the protocol
        """Remember that the step that was last read is delivered, or dropped."""
        self._put(*self._read)

    def remember(self, value: bytes) -> None:
        """Take note of the state of an incident that was handled before."""
        try:
            state = _state(value)
        except ValidationError:
            return
        if state is not None:
            alert, key, progress = self._next(state)
            self._put(key, progress)
            if self._observe is not None and alert is not None and alert.status in self._statuses:
                self._observe(alert)

    def _next(
        self, state: IncidentState | NotificationGroup
    ) -> tuple[AlertEvent | None, str, Progress]:
        """Return the alert about a step, if the sink hears of it, and what is known after it."""
        if isinstance(state, NotificationGroup):
            key = GROUP_KEY + state.group_id
            known = self._known.get(key, _NEW)
            alert, progress = None, known
            if state.sink == self._sink:
                alert, progress = _group_step(state, known)
            return alert, key, progress
        alert, progress = self._page(state)
        return alert, state.incident_id, progress

    def _page(self, incident: IncidentState) -> tuple[AlertEvent | None, Progress]:
        known = self._known.get(incident.incident_id, _NEW)
        status, at, progress = _step(incident, known)
        if status is None:
            return None, progress
        parts = [
            part
            for part in parts_of(incident, status)
            if self._selects(page_alert(incident, [part], status, at))
        ]
        if not parts and status in {"acknowledged", "resolved"}:
            parts = parts_of(incident, "resolved")  # it was paged, at a lower severity
        if not parts:  # a model that joins later, or is no longer silenced, is still to be paged
            return None, known
        return page_alert(incident, parts, status, at), progress

    def _put(self, incident_id: str, progress: Progress) -> None:
        self._known[incident_id] = progress
        self._known.move_to_end(incident_id)
        if len(self._known) > MAX_INCIDENTS:
            self._known.popitem(last=False)


def _step(incident: IncidentState, known: Progress) -> tuple[Status | None, datetime, Progress]:
    """Return the status to send, if there is one, its time, and what the receiver knows then."""
    paged = incident.paged[-1] if incident.paged else None
    acknowledgement = incident.acknowledgement
    acknowledged = None if acknowledgement is None else acknowledgement.at
    if incident.ended is not None:
        status: Status | None = "resolved" if known.open else None
        return status, incident.ended, Progress(paged)
    # An owner of the incidents that was replaced may write an older state once more.
    if paged is not None and (known.paged is None or paged > known.paged):
        status = "updated" if known.open else "firing"
        return status, paged, Progress(paged, acknowledged, open=True)
    after = known._replace(acknowledged=acknowledged)
    if acknowledged is not None and acknowledged != known.acknowledged and known.open:
        return "acknowledged", acknowledged, after
    return None, incident.updated, after


def _group_step(group: NotificationGroup, known: Progress) -> tuple[AlertEvent | None, Progress]:
    """Return the alert about a group's last notification, if its receiver does not know it."""
    at = group.notified
    if at is None or (known.paged is not None and at <= known.paged):
        return None, known
    status: Status = "updated" if known.open else "firing"
    if group.status != "firing":
        status = group.status
    after = Progress(at, open=group.status != "resolved")
    if status in {"resolved", "acknowledged"} and not known.open:
        return None, after._replace(open=False)
    return group_alert(group, status, at), after


def _state(value: bytes) -> IncidentState | NotificationGroup | None:
    """Return the incident or group of a record; None: it has none, as a deletion or a silence.

    A group has all that its sink is to hear of its incidents.
    """
    try:
        found = _peek.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if found.group_id is not None:  # those with an incident say where it stands with the sink
        return None if found.incident_id else NotificationGroup.from_json(value)
    return None if found.incident_id is None else IncidentState.from_json(value)


class _Peek(msgspec.Struct):
    incident_id: str | None = None
    group_id: str | None = None


_peek: Final = msgspec.json.Decoder(_Peek)
