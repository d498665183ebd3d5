"""Follow: what is known of each series over its whole life, beside what its detectors know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from streamproc.detectors.errors import StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State
from streamproc.detectors.runtime.small_arrays import any_hit
from streamproc.detectors.series import decimals_kernel, gross_kernel, rhythm_kernel
from streamproc.detectors.series.change_points import Change, Moments
from streamproc.detectors.series.gross import Found, Gross
from streamproc.detectors.series.phase_kernel import HOURS
from streamproc.detectors.series.rhythm import Broken, Rhythm

Reason = Literal["range", "frozen", "decimals", "level", "profile", "spread", "phase"]
"""What a finding is about: the values' range, one value again and again, more decimals than they
had, their level, whether they follow the hours of the day, how far they are from what is forecast,
or whether they follow the hours of the day early or late."""

Season = Literal["learned", "daily", "off"]
"""Whether a series is compared with its daily and weekly profile: once it depends on itself, from
its first value on, or never."""

_GROSS: Final[dict[int, Reason]] = {
    gross_kernel.RANGE: "range",
    gross_kernel.FROZEN: "frozen",
    gross_kernel.GAPS: "level",
    gross_kernel.DECIMALS: "decimals",
}
_FEWEST: Final = {
    gross_kernel.RANGE: gross_kernel.EXCEEDANCES,
    gross_kernel.DECIMALS: decimals_kernel.FEWEST,
}
"""Values that show it, at least, of findings that are not of repeats."""
_RHYTHM: Final[dict[int, Reason]] = {
    rhythm_kernel.JUMP_SHORT: "level",
    rhythm_kernel.JUMP_DAY: "level",
    rhythm_kernel.LEVEL: "level",
    rhythm_kernel.SHAPE: "profile",
    rhythm_kernel.NEWS: "level",
    rhythm_kernel.BURST: "spread",
    rhythm_kernel.ROUGH: "spread",
    rhythm_kernel.PHASE: "phase",
    rhythm_kernel.RATIO: "level",
}
_SUDDEN: Final = (rhythm_kernel.JUMP_SHORT, rhythm_kernel.NEWS, rhythm_kernel.BURST)
"""Statistics of few values: the level over a day says little of what they find."""
_NEVER: Final = np.iinfo(np.int64).max
_RHYTHM_PART: Final = "rhythm."
_GROSS_PART: Final = "gross."


Profile = tuple[float, ...]
"""What is usual at each hour of the day."""

Level = tuple[int, Moments, Moments]
"""Row of an alarm, and the values before and after the change."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that is sure without a detector's alarm.

    Attributes
    ----------
    task, row
        Which task, and where in its column.
    reason
        What it is about.
    statistic, threshold
        What was measured, and what it exceeded.
    change
        The level before, and of the values that show it.
    hours
        Of a finding about the hours of the day, by how many the series is late; early if negative.
    instance
        Of a finding in few values, the last of them and the profile at its hour; None of others.
    profile
        What was usual at each hour by then; None where no profile shows it.
    """

    task: int
    row: int
    reason: Reason
    statistic: float
    threshold: float
    change: Change
    hours: int = 0
    instance: tuple[float, float] | None = None
    profile: Profile | None = None


class Follow:
    """Gross changes of all series, and the rhythm of those whose values depend on each other.

    Parameters
    ----------
    size
        Number of slots.
    season
        Whether series are compared with their profile. `daily`: as if each were known to be
        dependent. `off`: never, and all alarms count.

    Notes
    -----
    A series is independent until its values stay on one side of their centre for too long, or
    there are `gross_kernel.RECURRING` signs that they repeat themselves. Alarms of an independent
    series count at once. Those of a dependent one are what its rhythm makes every day; only a
    `Finding` counts.
    """

    def __init__(self, size: int = 0, season: Season = "learned") -> None:
        self._season = season
        self._gross = Gross(size)
        self._rhythm = Rhythm()
        self._used = 0
        self._spare: list[int] = []

    @property
    def size(self) -> int:
        """Number of slots."""
        return self._gross.size

    def dependent(self, slot: int) -> bool:
        """Whether the values of a slot depend on each other."""
        return bool(self._gross.dependent[slot])

    def recent(self, slot: int) -> Moments | None:
        """Return the level of a slot of dependent values over the last ones; None of others."""
        judged = self.dependent(slot) and self._season != "off"
        return self._gross.recent(slot) if judged else None

    def profile(self, slot: int) -> tuple[Profile, bool] | None:
        """Return the daily profile of a slot, and whether its last days stray from it."""
        place = int(self._gross.place[slot])
        if place < 0:
            return None
        return self._rhythm.profile(place), self._rhythm.strays(place)

    def finer(self, slot: int) -> bool:
        """Whether values of a slot have more decimals since a finding, and not less again."""
        return self._gross.finer(slot)

    def since(self, slots: Ints) -> Ints:
        """Count the values of slots since the last alarm or finding that counted."""
        return self._gross.since[slots]

    def blank(self, size: int) -> "Follow":
        """Return one with the same season and `size` slots as good as new."""
        return Follow(size, self._season)

    def resize(self, size: int) -> None:
        """Grow to `size` slots."""
        self._gross.resize(size)

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        places = self._gross.place[slots]
        held = places[places >= 0].astype(np.int64)
        self._rhythm.reset(held)
        self._spare += held.tolist()
        self._gross.reset(slots)

    def scan(
        self,
        values: Floats,
        tasks: Ints,
        places: tuple[Floats, Ints],
        alarms: Mapping[int, Sequence[Level]],
    ) -> tuple[list[Finding], set[tuple[int, int]]]:
        """Feed stretches of columns to slots, all of them.

        Parameters
        ----------
        values, tasks
            As of `Watch.scan`.
        places
            Time and offset of each row.
        alarms
            Task → the alarms of its detectors, by row.

        Returns
        -------
        list of Finding
            In no order.
        set of (task, row)
            Alarms of series that were dependent by then.
        """
        found: list[Finding] = []
        expected: set[tuple[int, int]] = set()
        if self._season == "daily":
            slots = tasks[:, 3]
            for slot in slots[self._gross.place[slots] < 0].tolist():
                self._gross.dependent[slot] = True
                self._retain(slot)
        hits = None if alarms else self._gross.scan_checked(values, tasks, places[0])
        if hits is not None and not any_hit(hits.row) and not self._any_rhythm(tasks):
            return found, expected
        parts = values, tasks, places
        rhythm = self._through_gross(parts, alarms, hits, found, expected)
        self._through_rhythm(values, rhythm, places, found)
        for finding in found:
            slot = int(tasks[finding.task, 3])
            column, stop = int(tasks[finding.task, 0]), int(tasks[finding.task, 2])
            remaining = values[column, finding.row + 1 : stop]
            after = int(np.count_nonzero(~np.isnan(remaining)))
            self._gross.since[slot] = min(after, int(self._gross.since[slot]))
        return found, expected

    def _any_rhythm(self, tasks: Ints) -> bool:
        """Whether any task is of a series with a rhythm."""
        if self._used == len(self._spare):
            return False
        return bool(np.count_nonzero(self._gross.place[tasks[:, 3]] >= 0))

    def _through_gross(
        self,
        parts: tuple[Floats, Ints, tuple[Floats, Ints]],
        alarms: Mapping[int, Sequence[Level]],
        hits: Found | None,
        found: list[Finding],
        expected: set[tuple[int, int]],
    ) -> Ints:
        """Feed the gross part; returns tasks for the rhythm, their number and where it counts.

        `hits` are those of a scan of all tasks, if no alarm had to be stopped at.
        """
        values, tasks, places = parts
        left = {task: list(levels) for task, levels in alarms.items()}
        number = np.arange(len(tasks))
        begins = tasks[:, 1].copy()
        begins[self._gross.place[tasks[:, 3]] < 0] = _NEVER
        counts = np.where(self._gross.dependent[tasks[:, 3]], tasks[:, 1], _NEVER)
        starts = begins, counts
        todo = tasks.copy()
        while len(todo):
            # 1. Up to the next alarm of each, or a finding before it.
            part = todo.copy()
            waiting = np.flatnonzero(np.isin(number, list(left))).tolist() if left else []
            for k in waiting:
                part[k, 2] = left[int(number[k])][0][0] + 1
            if hits is None:
                hits = self._gross.scan_checked(values, part, places[0])
            stops = np.where(hits.row >= 0, hits.row + 1, part[:, 2])
            # 2. What was found.
            for k in np.flatnonzero(hits.row >= 0).tolist():
                row, code, task = int(hits.row[k]), int(hits.code[k]), int(number[k])
                if code in _GROSS:
                    found.append(_gross_finding(task, row, code, hits.summary[k], places))
                else:
                    depends = code == gross_kernel.DEPENDENT
                    self._begin(int(part[k, 3]), row, starts, task, depends=depends)
            # 3. The alarms that were reached.
            for k in waiting:
                task, slot = int(number[k]), int(part[k, 3])
                row, before, after = left[task][0]
                if row < stops[k]:
                    self._pass(left, task)
                    depends = self._gross.alarm(slot, before, after)
                    if depends and self._season == "off":
                        self._gross.since[slot] = 0
                    elif depends:
                        expected.add((task, row))
                        self._begin(slot, row, starts, task, depends=True)
            hits = None
            todo[:, 1] = stops
            on = todo[:, 1] < todo[:, 2]
            todo, number = todo[on], number[on]
        rhythm = np.column_stack([tasks, np.arange(len(tasks)), counts])
        rhythm[:, 1] = begins
        rhythm = rhythm[begins < tasks[:, 2]]
        rhythm[:, 3] = self._gross.place[rhythm[:, 3]]
        return rhythm

    @staticmethod
    def _pass(left: dict[int, list[Level]], task: int) -> None:
        """Leave an alarm behind."""
        left[task].pop(0)
        if not left[task]:
            del left[task]

    def _begin(
        self, slot: int, row: int, starts: tuple[Ints, Ints], task: int, *, depends: bool
    ) -> None:
        """Let a series have a rhythm from the next row on, and let it count if it `depends`."""
        begins, counts = starts
        if depends:
            self._gross.dependent[slot] = True
            counts[task] = min(int(counts[task]), row + 1)
        if self._gross.place[slot] >= 0 or self._season == "off":
            return
        self._retain(slot)
        begins[task] = row + 1

    def _retain(self, slot: int) -> None:
        """Allocate the rhythm of a series."""
        if not self._spare:
            if self._used == self._rhythm.size:
                self._rhythm.resize(max(4, self._used + self._used // 4))
            self._spare.append(self._used)
            self._used += 1
        self._gross.retained[slot] = True
        self._gross.place[slot] = self._spare.pop()

    def _through_rhythm(
        self, values: Floats, tasks: Ints, places: tuple[Floats, Ints], found: list[Finding]
    ) -> None:
        while len(tasks):
            hits = self._rhythm.scan(values, np.ascontiguousarray(tasks[:, :4]), places[0])
            hit = np.flatnonzero(hits.row >= 0)
            for k in hit:
                row = int(hits.row[k])
                if row < tasks[k, 5]:
                    continue  # it was independent then: its detectors' alarms count
                found.append(_rhythm_finding(int(tasks[k, 4]), hits, int(k), places))
            tasks = tasks[hit]
            tasks[:, 1] = hits.row[hit] + 1
            tasks = tasks[tasks[:, 1] < tasks[:, 2]]

    def state(self, used: int | None = None) -> State:
        """Copy all there is to know; rhythms in the order of their slots."""
        held = self._gross.place[:used]
        slots = np.flatnonzero(held >= 0)
        rhythms = self._rhythm.rows(held[slots].astype(np.int64))
        return {
            **{f"{_GROSS_PART}{name}": array[:used] for name, array in self._gross.state().items()},
            **{f"{_RHYTHM_PART}{name}": array for name, array in rhythms.items()},
        }

    def load(self, state: State) -> None:
        """Take the place of the one that made `state`, to the last bit.

        Raises
        ------
        StateError
            If it does not fit; nothing was changed.
        """
        gross, rhythm = Gross(), Rhythm()
        gross.load(_part(state, _GROSS_PART))
        rhythm.load(_part(state, _RHYTHM_PART))
        slots = np.flatnonzero(gross.retained)
        if len(slots) != rhythm.size:
            msg = f"Follow: state has {rhythm.size} rhythms of {len(slots)} series"
            raise StateError(msg)
        gross.place[slots] = np.arange(len(slots))
        self._gross, self._rhythm, self._used, self._spare = gross, rhythm, len(slots), []

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return self._gross.nbytes() + self._rhythm.nbytes()


def _part(state: State, prefix: str) -> State:
    return {
        name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)
    }


def _gross_finding(
    task: int, row: int, code: int, summary: Floats, places: tuple[Floats, Ints]
) -> Finding:
    n, mean, deviation, values, level, value = summary.tolist()
    before, after = Moments(int(n), mean, deviation), Moments(int(values), level, 0.0)
    change = _change(before, after, row, places)
    instance = (value, mean) if code == gross_kernel.DECIMALS else None
    least = _FEWEST.get(code, gross_kernel.REPEATS)
    return Finding(task, row, _GROSS[code], values, least, change, instance=instance)


def _rhythm_finding(task: int, hits: Broken, k: int, places: tuple[Floats, Ints]) -> Finding:
    row, which = int(hits.row[k]), int(hits.which[k])
    figures, day = np.split(hits.summary[k], [rhythm_kernel.FIGURES])
    n, expected, deviation, seen, values, ratio, limit, late, value, usual = figures.tolist()
    before, after = Moments(int(n), expected, deviation), Moments(int(values), seen, deviation)
    change = _change(before, after, row, places)
    hours = 0
    if which == rhythm_kernel.PHASE:
        hours = int(late if late <= HOURS / 2 else late - HOURS)
    instance = (value, usual) if which in _SUDDEN else None
    reason, profile = _RHYTHM[which], tuple(day.tolist())
    return Finding(task, row, reason, ratio, limit, change, hours, instance, profile)


def _change(before: Moments, after: Moments, row: int, places: tuple[Floats, Ints]) -> Change:
    ts, offsets = places
    return Change(
        before=before,
        after=after,
        ts=float(ts[row]),
        offset=int(offsets[row]),
        direction="up" if after.mean >= before.mean else "down",
    )
