"""Alarms to incidents: what is said when a series alarms, goes on alarming, and falls quiet."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from detectors.series.change_points import Change
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

INDEX = (1 << PLACE_BITS) - 1
# Adds to an alarm of a model what is known at that column of the matrix.
Annotate = Callable[[Model, Matrix, int, AlertEvent], AlertEvent]


def _no_annotation(_model: Model, _data: Matrix, _column: int, alert: AlertEvent) -> AlertEvent:
    return alert


class Incidents:
    """The series of one partition with an open incident, and the rules by which that changes.

    The first alarm of a series opens an incident (`firing`); later ones belong to it and
    are told at most once in `policy.update_interval` of event time (`updated`); after
    `policy.resolve_after` values with no alarm it is closed (`resolved`). Series are looked at
    one after the other; which of them are one incident is told in the order of the log, by
    `IncidentGrouper`.
    """

    def __init__(self, topic: str, partition: int, policy: Policy, texts: Vocabulary) -> None:
        self._topic, self._partition, self._policy = topic, partition, policy
        self.texts = texts
        self._quiet = policy.resolve_after
        self._interval = policy.update_interval.total_seconds()
        self.open: dict[tuple[str, str], Incident] = {}
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
        quiet = profile.watch.quiet(slots) + tasks[:, 2] - tasks[:, 1]
        may_resolve = profile.open[slots] & (quiet >= self._quiet)
        passage.scan(tasks[~may_resolve])
        for task in tasks[may_resolve]:
            self._until_quiet(passage, task)

    def _until_quiet(self, passage: "_DetectorRun", task: Ints) -> None:
        column, start, stop, slot = task.tolist()
        watch = passage.feed.profile.watch
        present = np.flatnonzero(~np.isnan(passage.feed.values[column, start:stop]))
        # None when a restart has come with a lower `resolve_after`: the next value resolves it.
        needed = max(1, self._quiet - int(watch.quiet(task[3:])[0]))
        if len(present) < needed:
            passage.scan(task[None])
            return
        cut = start + int(present[needed - 1]) + 1
        passage.scan(np.array([[column, start, cut, slot]], np.int64))
        if watch.quiet(task[3:])[0] >= self._quiet:
            passage.settle(column, cut - 1, slot)
        passage.scan(np.array([[column, cut, stop, slot]], np.int64))

    def alarm(
        self, series: Series, alarm: Alarm, origin: Origin, now: datetime
    ) -> AlertEvent | None:
        """Open an incident or go on with it; None when it was spoken of a moment ago."""
        key = series.model.id, series.name
        incident = self.open.get(key)
        if incident is None and series.is_loss and _fell(alarm):
            return None  # good news wakes nobody; the series learns its new level all the same
        if incident is None:
            incident = self.open[key] = open_incident(series, alarm, origin)
            return alarm_alert("firing", series, incident, alarm, origin, now)
        if abs(origin.ts - incident.said) < self._interval:  # time may run backwards
            return None
        incident.said = origin.ts
        return alarm_alert("updated", series, incident, alarm, origin, now)

    def origin(self, place: int, offset: int, ts: float, version: str | None) -> Origin:
        """Say where an event of this partition lies."""
        return Origin(self._topic, self._partition, offset, place & INDEX, ts, version)


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
            alert = self.incidents.alarm(series, alarm, origin, self.now)
            key = series.model.id, series.name
            self.feed.profile.open[alarm.slot] = key in self.incidents.open
            if alert is not None:
                alert = self.incidents.remark(series.model, self.data, alarm.row, alert)
                self._say(alarm.row, series, alert, size_of(alarm.change))

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
