"""Turn alarms into incidents: open, update and resolve them."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from detectors.series.category_counts import CategoryDistribution
from detectors.series.change_points import Change, Moments
from detectors.series_monitor import Alarm
from streamproc.alerting.alert_builder import (
    Incident,
    Origin,
    Series,
    alarm_alert,
    open_incident,
    resolved,
)
from streamproc.alerting.effect_size import size_of
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.config.config import Policy
from streamproc.decode.decoded_events import PLACE_BITS
from streamproc.decode.layout import Layout, Model
from streamproc.decode.matrix import Ints, Matrix
from streamproc.decode.vocabulary import Vocabulary
from streamproc.detect.routing import DetectorInput
from streamproc.schemas.alerts import AlertEvent

# Seconds of event time after which what is found is not the same incident any more.
_APART = 2 * 86400.0
# Series whose values come from a source that can get stuck.
_FREEZING = ("feature:", "prediction")
# By how much a rate has to rise: five in a hundred values.
_MIN_OF_RATES = 0.05
INDEX = (1 << PLACE_BITS) - 1
# Adds to an alarm of a model what is known at that column of the matrix.
Annotate = Callable[[Model, Matrix, int, AlertEvent], AlertEvent]


def _no_annotation(_model: Model, _data: Matrix, _column: int, alert: AlertEvent) -> AlertEvent:
    return alert


class Incidents:
    """The series of one partition with an open incident, and the rules by which that changes.

    The first alarm of a series opens an incident (`firing`); later ones belong to it and
    are reported at most once in `policy.update_interval` of event time (`updated`); after
    `policy.resolve_after` with no alarm it is closed (`resolved`). Series are looked at
    one after the other; `IncidentGrouper` groups them in the order of the log.
    """

    def __init__(self, topic: str, partition: int, policy: Policy, texts: Vocabulary) -> None:
        self._topic, self._partition, self._policy = topic, partition, policy
        self.texts = texts
        self._quiet, quiet_time = policy.resolve_after
        self._quiet_seconds = quiet_time.total_seconds()
        self._interval = policy.update_interval.total_seconds()
        self.open: dict[tuple[str, str], Incident] = {}
        self.pending: dict[tuple[str, str], Incident] = {}
        self.remark: Annotate = _no_annotation

    def watch(
        self, feed: DetectorInput, layout: Layout, data: Matrix, now: datetime
    ) -> list[PendingAlert]:
        """Run a feed through its detectors, and return what there is to say.

        The events are taken in stretches shorter than the quiet time: within one, a series
        that alarms cannot also fall quiet, so only incidents that were open before need care.
        """
        passage = _DetectorRun(self, feed, layout, data, now)
        stretch = max(1, self._quiet - 1)
        if len(data.ts) <= stretch or np.ptp(data.ts) < self._quiet_seconds:
            self._stretch(passage, feed.tasks)
            return passage.said
        longest = int((feed.tasks[:, 2] - feed.tasks[:, 1]).max(initial=0))
        for offset in range(0, longest, stretch):
            tasks = feed.tasks.copy()
            tasks[:, 1] += offset
            tasks[:, 2] = np.minimum(tasks[:, 2], tasks[:, 1] + stretch)
            self._stretch(passage, tasks[tasks[:, 1] < tasks[:, 2]])
        return passage.said

    def _stretch(self, passage: "_DetectorRun", tasks: Ints) -> None:
        profile = passage.feed.profile
        slots = tasks[:, 3]
        if not profile.open[slots].any():
            passage.scan(tasks)
            return
        quiet = profile.watch.settled(slots) + tasks[:, 2] - tasks[:, 1]
        may_resolve = profile.open[slots] & (quiet >= self._quiet)
        passage.scan(tasks[~may_resolve])
        for task in tasks[may_resolve]:
            self._until_quiet(passage, task)

    def _until_quiet(self, passage: "_DetectorRun", task: Ints) -> None:
        column, start, stop, slot = task.tolist()
        watch = passage.feed.profile.watch
        present = start + np.flatnonzero(~np.isnan(passage.feed.values[column, start:stop]))
        # None when a restart has come with a lower `resolve_after`: the next value resolves it.
        needed = max(1, self._quiet - int(watch.settled(task[3:])[0]))
        late = present[needed - 1 :]
        alarmed = passage.incident(column, start).alarmed
        late = late[passage.data.ts[late] - alarmed >= self._quiet_seconds]
        if not len(late):
            passage.scan(task[None])
            return
        cut = int(late[0]) + 1
        passage.scan(np.array([[column, start, cut, slot]], np.int64))
        same = passage.incident(column, start).alarmed == alarmed
        if same and watch.settled(task[3:])[0] >= self._quiet:
            passage.settle(column, cut - 1, slot)
        passage.scan(np.array([[column, cut, stop, slot]], np.int64))

    def alarm(
        self, series: Series, alarm: Alarm, origin: Origin, now: datetime
    ) -> AlertEvent | None:
        """Open an incident or go on with it; None within `policy.update_interval`."""
        key = series.model.id, series.name
        incident = self.open.get(key)
        if incident is not None and not alarm.expected:
            incident.alarmed = origin.ts
        if not _matters(series, alarm, first=incident is None):
            return None
        if incident is None and alarm.expected:
            return self._wait(series, alarm, origin, now)
        if incident is None or self.is_over(incident, alarm, origin):
            waiting = self.pending.pop(key, None)
            incident = self.open[key] = waiting or open_incident(series, alarm, origin)
            incident.said = incident.alarmed = origin.ts
            return alarm_alert("firing", series, incident, alarm, origin, now)
        soon = abs(origin.ts - incident.said) < self._interval  # time may run backwards
        worse = (
            bool(alarm.reason) and not incident.raised and not (soon and alarm.reason != "range")
        )
        if soon and not worse:
            return None
        incident.raised |= worse
        incident.said = origin.ts
        return alarm_alert("updated", series, incident, alarm, origin, now)

    def over(
        self,
        series: Series,
        alarm: Alarm,
        level: Moments | CategoryDistribution,
        origin: Origin,
        now: datetime,
    ) -> AlertEvent | None:
        """Resolve the incident of a series in which a change was found days after the last."""
        incident = self.open.get((series.model.id, series.name))
        if incident is None or not self.is_over(incident, alarm, origin):
            return None
        if not _matters(series, alarm, first=False):
            return None
        return resolved(series, incident, level, origin, now)

    @staticmethod
    def is_over(incident: Incident, alarm: Alarm, origin: Origin) -> bool:
        """Whether a finding is none of an open incident, which is raised and reported for days."""
        return bool(alarm.reason) and incident.raised and origin.ts - incident.said > _APART

    def _wait(
        self, series: Series, alarm: Alarm, origin: Origin, now: datetime
    ) -> AlertEvent | None:
        """Tell an alarm that a series of dependent values raises anyway; wakes nobody."""
        key = series.model.id, series.name
        incident = self.pending.get(key)
        if incident is None:
            incident = self.pending[key] = open_incident(series, alarm, origin)
        elif abs(origin.ts - incident.said) < self._interval:
            return None
        incident.said = origin.ts
        return alarm_alert("pending", series, incident, alarm, origin, now)

    def origin(self, place: int, offset: int, ts: float, version: str | None) -> Origin:
        """Say where an event of this partition lies."""
        return Origin(self._topic, self._partition, offset, place & INDEX, ts, version)


def _matters(series: Series, alarm: Alarm, *, first: bool) -> bool:
    """Whether an alarm is one for this series; `first`: it would open an incident.

    A rate that stays at 0 is as well as it can be, and so is one that falls; its daily profile
    says little where nearly all of its values are 0.
    """
    if not alarm.reason:
        # Good news wakes nobody; the series learns its new level all the same.
        return not (first and series.is_loss and _fell(alarm))
    if series.name.startswith(_FREEZING):
        return True
    change = alarm.change
    return alarm.reason == "level" and isinstance(change, Change) and change.size >= _MIN_OF_RATES


def _fell(alarm: Alarm) -> bool:
    """Whether the values have become smaller."""
    return isinstance(alarm.change, Change) and alarm.change.direction == "down"


class _DetectorRun:
    """One feed on its way through the detectors, and what there is to say of it."""

    def __init__(
        self, incidents: Incidents, feed: DetectorInput, layout: Layout, data: Matrix, now: datetime
    ) -> None:
        self.incidents, self.feed, self.layout, self.data, self.now = (
            incidents,
            feed,
            layout,
            data,
            now,
        )
        self.said: list[PendingAlert] = []

    def scan(self, tasks: Ints) -> None:
        """Feed some tasks to the detectors; tell the incidents of every alarm."""
        if not len(tasks):
            return
        watch = self.feed.profile.watch
        for alarm in watch.scan(self.feed.values, tasks, self.data.ts, self.data.offsets):
            series, origin = self._whose(alarm.column, alarm.row)
            level = watch.level(alarm.slot) if alarm.reason else None
            over = level and self.incidents.over(series, alarm, level, origin, self.now)
            if over:
                self._say(alarm.row, series, over)
            alert = self.incidents.alarm(series, alarm, origin, self.now)
            key = series.model.id, series.name
            self.feed.profile.open[alarm.slot] = key in self.incidents.open
            if alert is not None:
                alert = self.incidents.remark(series.model, self.data, alarm.row, alert)
                self._say(alarm.row, series, alert, size_of(alarm.change))

    def incident(self, column: int, row: int) -> Incident:
        """Give the open incident of a series."""
        model = self.layout.model(self.layout.rows[self.data.event(row).model_id])
        return self.incidents.open[model.id, self.feed.names[column]]

    def settle(self, column: int, row: int, slot: int) -> None:
        """Close the incident of a series that has been quiet up to this event."""
        self.feed.profile.open[slot] = False
        series, origin = self._whose(column, row)
        incident = self.incidents.open.pop((series.model.id, series.name))
        level = self.feed.profile.watch.level(slot)
        alert = resolved(series, incident, level, origin, self.now)
        self._say(row, series, alert)

    def _say(self, row: int, series: Series, alert: AlertEvent, size: float = 0.0) -> None:
        place = int(self.data.places[row])
        self.said.append(PendingAlert(place, series.name, alert, series.model.id, size))

    def _whose(self, column: int, row: int) -> tuple[Series, Origin]:
        data, event = self.data, self.data.event(row)
        model = self.layout.model(self.layout.rows[event.model_id])
        name, settings = self.feed.names[column], self.feed.profile.settings
        series = Series(model, name, settings, self.incidents.texts)
        origin = self.incidents.origin(
            int(data.places[row]), int(data.offsets[row]), float(data.ts[row]), event.model_version
        )
        return series, origin
