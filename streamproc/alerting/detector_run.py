"""Run the values of a detector group through its detectors, and report what incidents result."""

from datetime import datetime
from functools import partial

import numpy as np

from streamproc.alerting.alert_builder import Series
from streamproc.alerting.effect_size import size_of
from streamproc.alerting.end_messages import Other
from streamproc.alerting.incident import Incident, first_check
from streamproc.alerting.incidents import Incidents, Occasion, Report
from streamproc.alerting.joint_messages import with_pair
from streamproc.alerting.level import MIN_VALUES, level_of, since
from streamproc.alerting.origin import Origin
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.decode.layout import Layout
from streamproc.decode.matrix import Ints, Matrix
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.detector_input import DetectorInput
from streamproc.detectors.series.change_points import Change
from streamproc.detectors.series_monitor import Alarm
from streamproc.schemas.alerts import AlertEvent

FirstAlarms = dict[tuple[DetectorGroup, int], int]
"""First alarm of series that never had one before: column of the matrix, by group and slot."""


def watch(
    incidents: Incidents,
    feed: DetectorInput,
    layout: Layout,
    data: Matrix,
    now: datetime,
    restarted: FirstAlarms,
) -> list[PendingAlert]:
    """Run a feed through its detectors, and return the alerts that result.

    The events are taken in stretches that end before a series which alarms in them is looked at
    again, so only incidents that were open before need care. `restarted` is extended by the first
    alarm of each series.
    """
    run = _DetectorRun(incidents, feed, layout, data, now, restarted)
    first = first_check(incidents.quiet_values)
    stretch, ends = max(1, first - 1), first == incidents.quiet_values
    ts = (feed.sources or data).ts
    if len(ts) <= stretch or (ends and np.ptp(ts) < incidents.quiet_seconds):
        run.stretch(feed.tasks)
        return run.alerts
    longest = int((feed.tasks[:, 2] - feed.tasks[:, 1]).max(initial=0))
    for offset in range(0, longest, stretch):
        tasks = feed.tasks.copy()
        tasks[:, 1] += offset
        tasks[:, 2] = np.minimum(tasks[:, 2], tasks[:, 1] + stretch)
        run.stretch(tasks[tasks[:, 1] < tasks[:, 2]])
    return run.alerts


class _DetectorRun:
    """One feed, and the alerts that it has led to so far."""

    def __init__(
        self,
        incidents: Incidents,
        feed: DetectorInput,
        layout: Layout,
        data: Matrix,
        now: datetime,
        restarted: FirstAlarms,
    ) -> None:
        self._restarted = restarted
        self._incidents, self._feed, self._layout = incidents, feed, layout
        self._data, self._now = data, now
        self._sources = feed.sources or data
        self._group, self._detectors = feed.profile, feed.profile.watch
        self.alerts: list[PendingAlert] = []

    def stretch(self, tasks: Ints) -> None:
        """Process a stretch of events."""
        group, slots = self._group, tasks[:, 3]
        if not np.count_nonzero(group.open[slots]):
            self._scan(tasks)
            return
        # None when a restart has come with a lower `resolve_after`: the next value decides.
        needed = group.next_check[slots] - self._detectors.settled(slots)
        is_due = group.open[slots] & (tasks[:, 2] - tasks[:, 1] >= needed)
        self._scan(tasks[~is_due])
        for task in tasks[is_due]:
            self._until_checked(task)

    def _until_checked(self, task: Ints) -> None:
        """Process the events of a series that is looked at after some of them."""
        column, start, stop, slot = task.tolist()
        while start < stop:
            incident = self._incident(column, start)
            check = self._next_check(column, start, stop, slot, incident)
            cut = stop if check is None else check + 1
            self._scan(np.array([[column, start, cut, slot]], np.int64))
            start = cut
            if check is None or incident is None:
                continue
            at = self._occasion(column, check)
            reached = self._detectors.settled(task[3:])[0] >= self._group.next_check[slot]
            if self._incidents.open.get(at.key) is incident and reached:
                self._check(at, self._feed.locate(column, check)[1], slot, incident)

    def _next_check(
        self, column: int, start: int, stop: int, slot: int, incident: Incident | None
    ) -> int | None:
        """Return the row at which a series is to be looked at, unless it alarms before."""
        if incident is None:
            return None
        present = start + np.flatnonzero(~np.isnan(self._feed.values[column, start:stop]))
        count = int(self._detectors.settled(np.array([slot]))[0])
        rows = present[max(int(self._group.next_check[slot]) - count, 1) - 1 :]
        if self._ends(incident):
            rows = rows[self._sources.ts[rows] - incident.alarmed >= self._incidents.quiet_seconds]
        return int(rows[0]) if len(rows) else None

    def _ends(self, incident: Incident) -> bool:
        """Whether the next look at a series can end its incident."""
        return incident.next_check(self._incidents.quiet_values) >= self._incidents.quiet_values

    def _check(self, at: Occasion, event: int, slot: int, incident: Incident) -> None:
        """Compare a series that is quiet with what it was before its incident."""
        level = level_of(self._detectors.level(slot), self._incidents.texts)
        if not self._ends(incident):
            incident.base = level
            self._mark(slot, at)
            return
        recent, base = self._detectors.recent(slot), incident.base
        quiet = int(self._detectors.settled(np.array([slot]))[0])
        incident.compared, total = quiet, level
        if recent is not None and 2 * level.n < quiet:  # its detectors have started over since
            level = level_of(recent, self._incidents.texts)
        elif base is not None and level.n - base.n >= MIN_VALUES:
            level = since(level, base)
        back = incident.is_back(level, loss=at.series.is_loss, dependent=recent is not None)
        if back and recent is None and not incident.is_certain(level, self._incidents.quiet_values):
            self._mark(slot, at)  # the next values belong to the same stretch
            return
        incident.base = total
        other = self._other(slot, incident) if back else None
        reports = self._incidents.fell_quiet(at, level, back=back, other=other)
        self._report(event, at, reports)
        self._mark(slot, at)

    def _other(self, slot: int, incident: Incident) -> Other | None:
        """Say what of a series on the level of before differs."""
        if incident.finer and self._detectors.finer(slot):
            return "decimals"
        known = None if incident.profile is None else self._detectors.profile(slot)
        if known is not None and (known[1] or incident.is_of_other_hours(known[0])):
            return "hours"
        return None

    def _scan(self, tasks: Ints) -> None:
        """Feed some tasks to the detectors; tell the incidents of every alarm."""
        if not len(tasks):
            return
        group, of = self._group, self._sources
        starts: dict[int, int] = {}
        for alarm in self._detectors.scan(self._feed.values, tasks, of.ts, of.offsets):
            if group.due[alarm.slot] < np.inf:
                start = starts.get(alarm.slot)
                if start is None:
                    start = int(tasks[tasks[:, 3] == alarm.slot][0, 1])
                self._release(alarm.column, start, alarm.row, alarm.slot)
            at = self._occasion(alarm.column, alarm.row)
            event = self._feed.locate(alarm.column, alarm.row)[1]
            if alarm.restarts == 0 and not alarm.reason:
                self._restarted[group, alarm.slot] = event
            annotate = partial(self._annotate, at, event, alarm)
            reports = self._incidents.alarm(at, alarm, annotate)
            self._report(event, at, reports, size_of(alarm.change))
            self._mark(alarm.slot, at)
            starts[alarm.slot] = alarm.row + 1
        due = tasks[group.due[tasks[:, 3]] < np.inf]
        if len(due):
            due = due[group.due[due[:, 3]] <= of.ts.max(initial=-np.inf)]
        for column, start, stop, slot in due.tolist():
            self._release(column, starts.get(slot, start), stop, slot)

    def _annotate(self, at: Occasion, event: int, alarm: Alarm, alert: AlertEvent) -> AlertEvent:
        """Add to an alert what else is known at its event."""
        change = alarm.change
        if self._feed.joint is not None and isinstance(change, Change) and change.size > 0.0:
            return with_pair(alert, self._feed.joint(alarm.row))
        return self._incidents.remark(at.series.model, self._data, event, alert)

    def _release(self, column: int, start: int, stop: int, slot: int) -> None:
        """Report what is due at the events of a series in which it did not alarm."""
        group, ts = self._group, self._sources.ts
        while start < stop:
            present = ~np.isnan(self._feed.values[column, start:stop])
            late = np.flatnonzero(present & (ts[start:stop] >= group.due[slot]))
            if not len(late):
                return
            row = start + int(late[0])
            at = self._occasion(column, row)
            event = self._feed.locate(column, row)[1]
            self._report(event, at, self._incidents.release(at))
            self._mark(slot, at)
            start = row + 1

    def _mark(self, slot: int, at: Occasion) -> None:
        """Note in the detector group where the incident of a slot stands."""
        incident = self._incidents.open.get(at.key)
        if incident is None:
            self._group.clear(slot)
        else:
            check = incident.next_check(self._incidents.quiet_values)
            self._group.mark(slot, self._incidents.due(at.key), check)

    def _report(self, event: int, at: Occasion, reports: list[Report], size: float = 0.0) -> None:
        place, (model, series) = int(self._data.places[event]), at.key
        self.alerts += [
            PendingAlert(place, series, report.alert, model, size, urgent=report.urgent)
            for report in reports
        ]

    def _incident(self, column: int, row: int) -> Incident | None:
        name, event = self._feed.locate(column, row)
        model = self._layout.model(self._layout.rows[self._data.event(event).model_id])
        return self._incidents.open.get((model.id, name))

    def _occasion(self, column: int, row: int) -> Occasion:
        name, place = self._feed.locate(column, row)
        data, event = self._data, self._data.event(place)
        model = self._layout.model(self._layout.rows[event.model_id])
        series = Series(model, name, self._group.settings, self._incidents.texts)
        origin: Origin = self._incidents.origin(
            *(int(data.places[place]), int(data.offsets[place])),
            *(float(data.ts[place]), event.model_version),
        )
        return Occasion(series, origin, self._now)
