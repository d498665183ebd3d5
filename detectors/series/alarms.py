"""The alarms of detectors and the findings over a series' life, as one list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.series.alarm import Alarm
from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change
from streamproc.detectors.series.follow import Finding, Follow, Level
from streamproc.detectors.series.mixes import Mixes

FINDER: Final = "follow"
"""Name, in place of a detector's, of what finds changes of a series over its whole life."""


def followed(
    follow: Follow,
    alarms: Sequence[Alarm],
    values: Floats,
    tasks: Ints,
    rows: tuple[Floats, Ints],
    restarts: Ints,
) -> list[Alarm]:
    """Mark the alarms of dependent series, and add what is found beside them.

    Parameters
    ----------
    follow
        Is fed the values.
    alarms
        Of the detectors, on these tasks.
    values, tasks
        As of `Watch.scan`.
    rows
        Time and offset of each row.
    restarts
        By slot, how often it has alarmed by the end of the tasks.

    Returns
    -------
    list of Alarm
        In no order.
    """
    task_of = {int(task[3]): k for k, task in enumerate(tasks)} if alarms else {}
    at: dict[int, list[Level]] = {}
    for alarm in sorted(alarms, key=lambda alarm: alarm.row):
        if isinstance(alarm.change, Change):
            level = alarm.row, alarm.change.before, alarm.change.after
            at.setdefault(task_of[alarm.slot], []).append(level)
    found, expected = follow.scan(values, tasks, rows, at)
    of_detectors = [
        replace(alarm, expected=True) if (task_of[alarm.slot], alarm.row) in expected else alarm
        for alarm in alarms
    ]
    return of_detectors + [
        _alarm(finding, tasks[finding.task], restarts, at.get(finding.task, ()))
        for finding in found
    ]


def marked(
    mixes: Mixes,
    alarms: Sequence[Alarm],
    values: Floats,
    tasks: Ints,
    rows: tuple[Floats, Ints],
    restarts: Ints,
) -> list[Alarm]:
    """Mark the alarms of series of categories whose mixes come back; add new categories.

    Parameters
    ----------
    mixes
        Is fed the values.
    alarms, values, tasks, rows, restarts
        As of `followed`.

    Returns
    -------
    list of Alarm
        In no order.
    """
    found = mixes.scan(values, tasks, rows)
    task_of = {int(task[3]): k for k, task in enumerate(tasks)} if alarms else {}
    reported: list[Alarm] = []
    for alarm in sorted(alarms, key=lambda alarm: alarm.row):
        usual = isinstance(alarm.change, ShareChange) and mixes.alarm(alarm.slot, alarm.change)
        reported.append(replace(alarm, expected=True) if usual else alarm)
        if not usual:
            mixes.counted(alarm.slot, _later(values, tasks[task_of[alarm.slot]], alarm.row))
    for number, row, change in found:
        task = tasks[number]
        slot = int(task[3])
        mixes.counted(slot, _later(values, task, row))
        restarted = int(restarts[slot]) - sum(a.slot == slot and a.row > row for a in alarms)
        share = max(change.after.shares.values())
        reported.append(
            Alarm(
                column=int(task[0]),
                row=row,
                slot=slot,
                detector=FINDER,
                others=(),
                statistic=share,
                threshold=0.01,
                change=change,
                restarts=restarted,
                reason="category",
            )
        )
    return reported


def _later(values: Floats, task: Ints, row: int) -> int:
    """Count the values of a task behind a row."""
    remaining = values[int(task[0]), row + 1 : int(task[2])]
    return int(np.count_nonzero(~np.isnan(remaining)))


def _alarm(finding: Finding, task: Ints, restarts: Ints, alarms: Sequence[Level]) -> Alarm:
    slot = int(task[3])
    later = sum(row > finding.row for row, *_ in alarms)
    return Alarm(
        column=int(task[0]),
        row=finding.row,
        slot=slot,
        detector=FINDER,
        others=(),
        statistic=finding.statistic,
        threshold=finding.threshold,
        change=finding.change,
        restarts=int(restarts[slot]) - later,
        reason=finding.reason,
        hours=finding.hours,
        instance=finding.instance,
        profile=finding.profile,
    )
