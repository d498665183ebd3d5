"""Turn alarms into incidents: open, update, settle and resolve them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from streamproc.alerting import end_alerts, messages
from streamproc.alerting.alert_builder import Series, alarm_alert, open_incident, severity
from streamproc.alerting.end_messages import Other
from streamproc.alerting.incident import HeldAlert, Incident
from streamproc.alerting.level import Level, level_of
from streamproc.alerting.origin import Origin
from streamproc.alerting.small_change import is_small
from streamproc.config.config import Policy
from streamproc.decode.decoded_events import PLACE_BITS
from streamproc.decode.layout import Model
from streamproc.decode.matrix import Matrix
from streamproc.decode.vocabulary import Vocabulary
from streamproc.detectors.series.change_points import Change
from streamproc.detectors.series_monitor import Alarm
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip_message
from streamproc.schemas.series import ESTIMATED

# Seconds of event time after which what is found is not the same incident any more.
_APART: Final = 2 * 86400.0
# Series whose values come from a source that can get stuck.
_FREEZING: Final = ("feature:", "prediction")
# By how much a rate has to rise: five in a hundred values.
_MIN_OF_RATES: Final = 0.05
INDEX: Final = (1 << PLACE_BITS) - 1
# Adds to an alarm of a model what is known at that column of the matrix.
Annotate = Callable[[Model, Matrix, int, AlertEvent], AlertEvent]


class Report(NamedTuple):
    """An alert to publish; `urgent`: whatever has been published a moment before."""

    alert: AlertEvent
    urgent: bool = False


class Occasion(NamedTuple):
    """The event at which a series has something to report."""

    series: Series
    origin: Origin
    now: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Model id and name of the series."""
        return self.series.model.id, self.series.name


def _no_annotation(_model: Model, _data: Matrix, _column: int, alert: AlertEvent) -> AlertEvent:
    return alert


class Incidents:
    """The series of one partition with an open incident, and the rules by which that changes.

    The first alarm of a series opens an incident (`firing`). Later ones belong to it and are
    reported (`updated`) at most once in `policy.update_interval` of event time: what comes sooner
    waits. A level outside of what the incident has reported does not wait, and raises the severity;
    where that cannot rise, another incident supersedes this one. After `policy.resolve_after` with
    no alarm the series is compared with what it was before: it is back (`resolved`), or it has
    `settled` on another level. Then the incident stays open until the series is back, an alarm
    comes (another incident supersedes it), or `policy.accept_after` has passed.

    Series are looked at one after the other; `IncidentGrouper` groups them in the order of the log.
    """

    def __init__(self, topic: str, partition: int, policy: Policy, texts: Vocabulary) -> None:
        self._topic, self._partition = topic, partition
        self.texts = texts
        self.quiet_values, quiet_time = policy.resolve_after
        self.quiet_seconds = quiet_time.total_seconds()
        self._interval = policy.update_interval.total_seconds()
        self._accept_after = policy.accept_after.total_seconds()
        self._least = policy.least_size
        self.open: dict[tuple[str, str], Incident] = {}
        self.pending: dict[tuple[str, str], Incident] = {}
        self.remark: Annotate = _no_annotation

    def alarm(
        self,
        at: Occasion,
        alarm: Alarm,
        annotate: Callable[[AlertEvent], AlertEvent],
    ) -> list[Report]:
        """Open an incident, or go on with it.

        Parameters
        ----------
        at
            The event of the alarm.
        alarm
            The alarm.
        annotate
            Adds to the alert what else is known at that event.
        """
        incident = self.open.get(at.key)
        if incident is not None and not alarm.expected:  # the others do not end its quiet time
            incident.disturb(at.origin.ts)
        if not _matters(at.series, alarm, first=incident is None):
            return []
        if alarm.expected and (incident is None or incident.settled is not None):
            return self._wait(at, alarm)
        if incident is None:
            return self._fire(at, alarm, annotate)
        level = level_of(alarm.change.after, self.texts)
        turns = alarm.expected and incident.profile is not None  # as it does every day
        back = not (alarm.reason or turns) and incident.is_back(level, loss=at.series.is_loss)
        worse = not alarm.expected and not back and incident.is_worse(level)
        if not back and self._is_another(at, incident, alarm, worse=worse):
            ended = Report(end_alerts.superseded(at.series, incident, at.origin, at.now))
            raised = incident.raised and worse
            return [ended, *self._fire(at, alarm, annotate, incident, raised=raised)]
        return self._update(at, incident, alarm, annotate, back=back, worse=worse)

    def fell_quiet(
        self, at: Occasion, level: Level, *, back: bool, other: Other | None = None
    ) -> list[Report]:
        """Resolve the incident of a series that is quiet and `back`; else it has settled.

        `other`: what differs although the level is that of before, if anything does.
        """
        back = back and other is None
        incident = self.open[at.key]
        held, incident.held = incident.held, None
        waiting = [] if held is None or (back and held.back) else [_counted(held)]
        if back:
            del self.open[at.key]
            end = end_alerts.recovered(at.series, incident, level, at.origin, at.now)
            return [*waiting, Report(end)]
        if incident.settled is not None:
            return waiting
        incident.settled, incident.settled_at = level, at.origin.ts
        incident.report(level)
        about = at.series, incident, level, at.origin, at.now
        return [*waiting, Report(end_alerts.settled(*about, other=other))]

    def release(self, at: Occasion) -> list[Report]:
        """Report what is due at an event without an alarm: an alert that waited, an acceptance."""
        incident = self.open[at.key]
        held = incident.held
        if held is not None:
            incident.held, incident.last_reported = None, at.origin.ts
            incident.report(held.level)
            incident.raised |= held.finding
            return [_counted(held)]
        level = incident.settled or incident.before
        del self.open[at.key]
        return [Report(end_alerts.accepted(at.series, incident, level, at.origin, at.now))]

    def due(self, key: tuple[str, str]) -> float:
        """Return the event time from which `release` has something to report."""
        return self.open[key].due(self._interval, self._accept_after)

    def _is_small(self, at: Occasion, incident: Incident, alarm: Alarm) -> bool:
        """Whether a change is too small to page; a finding has another limit."""
        level = level_of(alarm.change.after, self.texts)
        loss = at.series.is_loss
        return not alarm.reason and is_small(incident.before, level, self._least, loss=loss)

    def _is_another(self, at: Occasion, incident: Incident, alarm: Alarm, *, worse: bool) -> bool:
        """Whether an alarm is news that an update of the open incident would not tell anybody."""
        if incident.settled is not None:
            return True
        configured = at.series.model.config.severity
        if worse and severity("updated", configured, raised=incident.raised) == "critical":
            return True
        apart = at.origin.ts - incident.last_reported > _APART
        return bool(alarm.reason) and incident.raised and apart

    def _fire(
        self,
        at: Occasion,
        alarm: Alarm,
        annotate: Callable[[AlertEvent], AlertEvent],
        earlier: Incident | None = None,
        *,
        raised: bool = False,
    ) -> list[Report]:
        """Open an incident; `earlier`: the one that it supersedes."""
        incident = self.pending.pop(at.key, None) or open_incident(at.series, alarm, at.origin)
        incident.raised, incident.profile = raised, alarm.profile
        incident.scattered, incident.finer = alarm.reason == "range", alarm.reason == "decimals"
        if earlier is not None:  # the level that is to be back is that of before the first one
            incident.before, incident.reported = earlier.before, earlier.reported
            incident.profile = earlier.profile or alarm.profile
            incident.finer |= earlier.finer
        incident.report(level_of(alarm.change.after, self.texts), of_spread=_of_spread(alarm))
        incident.last_reported = incident.alarmed = at.origin.ts
        self.open[at.key] = incident
        was_small = earlier is None or earlier.small
        incident.small = was_small and not raised and self._is_small(at, incident, alarm)
        alert = alarm_alert("firing", at.series, incident, alarm, at.origin, at.now)
        return [Report(annotate(alert))]

    def _update(
        self,
        at: Occasion,
        incident: Incident,
        alarm: Alarm,
        annotate: Callable[[AlertEvent], AlertEvent],
        *,
        back: bool,
        worse: bool,
    ) -> list[Report]:
        ts = at.origin.ts
        soon = abs(ts - incident.last_reported) < self._interval  # time may run backwards
        finding = bool(alarm.reason) and not incident.raised
        urgent = worse or (finding and (alarm.reason == "range" or not soon))
        incident.settled, incident.settled_at = None, float("inf")
        incident.profile = incident.profile or alarm.profile
        incident.scattered |= alarm.reason == "range"
        incident.finer |= alarm.reason == "decimals"
        level = level_of(alarm.change.after, self.texts)
        before = incident.held
        incident.raised |= urgent
        raised = incident.raised or finding or (before is not None and before.finding)
        was, incident.raised = incident.raised, raised
        incident.small &= not raised and (back or self._is_small(at, incident, alarm))
        alert = alarm_alert("updated", at.series, incident, alarm, at.origin, at.now, back=back)
        held = HeldAlert(
            annotate(alert),
            level,
            1 + (0 if before is None else before.count),
            finding=raised,
            back=back,
        )
        if soon and not urgent:
            incident.raised, incident.held = was, held
            return []
        incident.held, incident.last_reported = None, ts
        incident.report(level)
        return [_counted(held, urgent=urgent)]

    def _wait(self, at: Occasion, alarm: Alarm) -> list[Report]:
        """Report an alarm that a series of dependent values raises anyway; it pages nobody."""
        incident, note = self.pending.get(at.key), ""
        if incident is None:
            incident = self.pending[at.key] = open_incident(at.series, alarm, at.origin)
            note = messages.DEPENDENT if isinstance(alarm.change, Change) else ""
        elif abs(at.origin.ts - incident.last_reported) < self._interval:
            return []
        incident.last_reported = at.origin.ts
        alert = alarm_alert("pending", at.series, incident, alarm, at.origin, at.now)
        if note:
            alert = alert.model_copy(update={"message": clip_message(alert.message + note)})
        return [Report(alert)]

    def origin(self, place: int, offset: int, ts: float, version: str | None) -> Origin:
        """Say where an event of this partition lies."""
        return Origin(self._topic, self._partition, offset, place & INDEX, ts, version)


def _counted(held: HeldAlert, *, urgent: bool = True) -> Report:
    """Return an alert that says how many alarms it stands for."""
    earlier = held.count - 1
    if not earlier:
        return Report(held.alert, urgent)
    count = f"; after {earlier} other alarm{'s' if earlier > 1 else ''} since the last alert"
    message = clip_message(held.alert.message + count)
    return Report(held.alert.model_copy(update={"message": message}), urgent)


def _of_spread(alarm: Alarm) -> bool:
    """Whether the deviation changed, and not the mean."""
    return isinstance(alarm.change, Change) and alarm.change.spread


def _matters(series: Series, alarm: Alarm, *, first: bool) -> bool:
    """Whether an alarm is one for this series; `first`: it would open an incident.

    A rate that stays at 0 is as well as it can be, and so is one that falls; its daily profile
    says little where nearly all of its values are 0.
    """
    if not alarm.reason:
        # Good news wakes nobody; the series learns its new level all the same.
        good = _fell(alarm) or (series.values == ESTIMATED and _of_spread(alarm))
        return not (first and series.is_loss and good)
    if series.values.startswith(_FREEZING):
        return True
    change = alarm.change
    return alarm.reason == "level" and isinstance(change, Change) and change.size >= _MIN_OF_RATES


def _fell(alarm: Alarm) -> bool:
    """Whether the values have become smaller."""
    return isinstance(alarm.change, Change) and alarm.change.direction == "down"
