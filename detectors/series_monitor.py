"""Watch: standardise, detect, locate, restart; what every watched series goes through."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.detector_names import of_categories, registered
from streamproc.detectors.errors import ParameterError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Value
from streamproc.detectors.runtime.slots import Slots, State, check_scan, every_row
from streamproc.detectors.runtime.small_arrays import any_hit, native_floats, native_ints
from streamproc.detectors.series.alarm import Alarm
from streamproc.detectors.series.alarms import FINDER, followed, marked
from streamproc.detectors.series.category_counts import (
    CategoryCounts,
    CategoryDistribution,
    ShareChange,
)
from streamproc.detectors.series.change_points import Change, ChangePoints, Moments
from streamproc.detectors.series.follow import Follow, Profile, Season
from streamproc.detectors.series.mixes import Mixes
from streamproc.detectors.series.monitor_state import life_of, load_parts, split_state
from streamproc.detectors.series.standardise import Standardiser
from streamproc.detectors.series.warm_up_test import NO_LOOKS, WARM_UP_TEST, Looks, looks
from streamproc.detectors.series.whiten import Whitener

WARMUP = 200
"""Values that a series learns its unit from."""
CLIP = 4.0
"""Robust deviations beyond which a value counts no more."""
__all__ = ["CLIP", "FINDER", "WARMUP", "Alarm", "SeriesMonitor"]

_NONE, _FOLLOW = np.iinfo(np.int64).max, f"{FINDER}."


class SeriesMonitor:
    """Many series under the same detectors, one a slot.

    Series of categories go through the same but for the unit: a value is a category's number.

    Parameters
    ----------
    detectors
        Name → parameters that differ from the monitoring defaults. The first that alarms at a row
        names the alarm. A ``#`` and what follows it tells two of a name apart.
    size
        Number of slots.
    warmup, clip
        Of the `Standardiser`.
    whiten
        Whether detectors read residuals of a `Whitener`: for values that depend on each other.
    follow
        Whether to find, beside the detectors, what is sure of series of any kind.
    season
        Of `Follow`.

    Raises
    ------
    UnknownDetectorError, ParameterError
        If a name or parameter is wrong, or none is named, or only some are of categories, or one
        that does not read values is to be whitened.

    Notes
    -----
    After any alarm the slot restarts: unit, detectors, change point. So a persisting change is one
    alarm, and the new normal is learned from then on.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors.series_monitor import SeriesMonitor
    >>> watch = SeriesMonitor({"mixture": {}}, size=1)
    >>> values = np.random.default_rng(7).normal(size=(1, 2000))
    >>> values[0, 1000:] += 2
    >>> [alarm] = watch.scan_all(values)
    >>> alarm.row, alarm.change.offset, alarm.change.direction
    (1010, 1000, 'up')
    """

    def __init__(
        self,
        detectors: Mapping[str, Mapping[str, object]],
        size: int = 0,
        *,
        warmup: int = WARMUP,
        clip: float = CLIP,
        whiten: bool = False,
        follow: bool = False,
        season: Season = "learned",
    ) -> None:
        if not detectors:
            msg = f"detectors: at least one of {', '.join(registry.names())} is needed, got none"
            raise ParameterError(msg)
        self._names = tuple(detectors)
        self._labels = (*self._names, WARM_UP_TEST)
        self._params = complete = {
            name: registry.resolve(registered(name), params) for name, params in detectors.items()
        }
        self._banks: tuple[Bank, ...] = tuple(
            registry.get(registered(name)).bank(0, **params) for name, params in complete.items()
        )
        self._standardiser = Standardiser(warmup=warmup, clip=clip)
        self._changes: ChangePoints | CategoryCounts = ChangePoints()
        self._blind = 0  # values before categories can be compared
        if of_categories(detectors):
            cap, window = (
                max(int(params[name]) for params in complete.values()) for name in ("cap", "window")
            )
            self._changes, self._blind = CategoryCounts(cap=cap, span=window), 2 * window
        # Errors are 0 or 1 as they come; a unit learned from them would only hide that.
        families = {name: registry.get(registered(name)).family for name in detectors}
        self._raw = tuple(family == "error" for family in families.values())
        self._whitener = Whitener(clip=clip) if whiten else None
        odd = [name for name, family in families.items() if family in {"error", "category"}]
        if whiten and odd:
            raise ParameterError(f"{odd[0]}: reads errors or categories: nothing to whiten")
        life: Follow | Mixes = Mixes() if self._blind else Follow(season=season)
        self._life = life if follow else None
        self._restarts = np.zeros(0, np.int64)
        self._past = 0  # values of slots before they started again
        self._standardised = self._residuals = np.empty((0, 0))
        self.resize(size)

    @property
    def size(self) -> int:
        """Number of slots."""
        return self._changes.size

    @property
    def warming(self) -> NDArray[np.bool_]:
        """(size,): slots that are blind because they still learn their unit, or reference."""
        if self._blind:
            blind: NDArray[np.bool_] = self.quiet(np.arange(self.size)) < self._blind
            return blind
        return self._whitener.warming if self._whitener else self._standardiser.warming

    @property
    def values(self) -> int:
        """Number of non-missing values that all slots have seen so far, since this was made."""
        return self._past + int(self._changes.count(np.arange(self.size)).sum())

    def tune(self, params: Mapping[str, Mapping[str, Value]]) -> None:
        """Go on with other thresholds; parameters by detector, complete, for all of them.

        Slots keep what they know, so that a statistic which is beyond a lower threshold alarms at
        the next value.
        """
        banks = dict(zip(self._names, self._banks, strict=True))
        for name in self._names:
            if params[name] != self._params[name]:
                bank = registry.get(registered(name)).bank(0, **params[name])
                bank.take_over(banks[name])
                banks[name] = bank
        self._banks, self._params = tuple(banks.values()), {n: dict(params[n]) for n in self._names}

    def quiet(self, slots: Ints) -> Ints:
        """Count the non-missing values of slots since their last start, warm-up included."""
        return self._changes.count(slots)

    def first_values(self, slots: Ints) -> Ints:
        """Count the non-missing values of slots that were never restarted; -1 for others."""
        return np.where(self._restarts[slots] == 0, self._changes.count(slots), -1)

    def settled(self, slots: Ints) -> Ints:
        """Count the values since a finding, or an alarm unless of a dependent series."""
        return self.quiet(slots) if self._life is None else self._life.since(slots)

    def level(self, slot: int) -> Moments | CategoryDistribution:
        """Tell how a slot has been since its last start."""
        return self._changes.level(slot)

    def means(self, slots: Ints) -> Floats:
        """Return the means of slots since their last start; NaN of categories."""
        return self._changes.means(slots)

    def recent(self, slot: int) -> Moments | None:
        """Return the level of a slot of dependent values over the last ones; None of others."""
        return self._life.recent(slot) if isinstance(self._life, Follow) else None

    def profile(self, slot: int) -> tuple[Profile, bool] | None:
        """Return the daily profile of a slot, and whether its last days stray from it."""
        return self._life.profile(slot) if isinstance(self._life, Follow) else None

    def finer(self, slot: int) -> bool:
        """Whether values of a slot have more decimals since a finding, and not less again."""
        return isinstance(self._life, Follow) and self._life.finer(slot)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; a smaller size changes nothing."""
        for part in self._parts.values():
            part.resize(size)
        if self._life is not None:
            self._life.resize(size)
        self._restarts.resize(max(size, len(self._restarts)), refcheck=False)  # adds zeros

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new, their number of restarts too."""
        self._restart(slots)
        self._restarts[slots] = 0
        if self._life is not None:
            self._life.reset(slots)

    def scan(self, values: Floats, tasks: Ints, ts: Floats, offsets: Ints) -> list[Alarm]:
        """Feed stretches of columns to slots, all of them, through every alarm.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous; NaN is missing, the rest finite.
        tasks
            int64 (tasks, 4): column, start, stop, slot; a slot in one task only.
        ts
            float64 (rows,): event time of each row.
        offsets
            int64 (rows,): offset of each row in its log.

        Returns
        -------
        list of Alarm
            By row, then column. Any way to cut the rows into calls gives the same alarms and the
            same state, but for `row`, which counts from the start of a call.

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        values, ts = native_floats(values), native_floats(ts)
        tasks, offsets = native_ints(tasks), native_ints(offsets)
        longest = check_scan(self._changes.size, values, tasks, ts, offsets)
        rows = ts, offsets
        alarms = self._detect(values, tasks, longest, rows)
        if isinstance(self._life, Follow):
            alarms = followed(self._life, alarms, values, tasks, rows, self._restarts)
        elif self._life is not None:
            alarms = marked(self._life, alarms, values, tasks, rows, self._restarts)
        return sorted(alarms, key=lambda alarm: (alarm.row, alarm.column)) if alarms else alarms

    def _detect(
        self, values: Floats, tasks: Ints, longest: int, places: tuple[Floats, Ints]
    ) -> list[Alarm]:
        """Run the detectors over all tasks, through every alarm."""
        alarms: list[Alarm] = []
        while len(tasks):
            # 1. What a scan finds past the first alarm of a slot is undone by its restart.
            standardised, looked = self._in_units(values, tasks)
            read = self._whitened(standardised, tasks)
            raw = self._unscaled(values) if any(self._raw) else values
            hits = [
                bank.scan_checked(raw if is_raw else read, tasks, longest)
                for bank, is_raw in zip(self._banks, self._raw, strict=True)
            ]
            if len(looked.row):
                hits.append(Hits(looked.row, looked.found[:, 0], looked.found[:, 1]))
            if not any([any_hit(hit.row) for hit in hits]):  # noqa: C419 - faster
                self._changes.scan_checked(values, standardised, tasks, *places)
                break
            rows = np.array([hit.row for hit in hits])
            rows[rows < 0] = _NONE
            first = rows.min(axis=0)
            # 2. The change-point tracker sees no row after the first alarm.
            seen = tasks.copy()
            seen[:, 2] = np.minimum(first, tasks[:, 2] - 1) + 1
            self._changes.scan_checked(values, standardised, seen, *places)
            # 3. Report, restart, continue behind the alarm.
            hit = np.flatnonzero(first < _NONE)
            for k in hit:
                who = np.flatnonzero(rows[:, k] == first[k])
                found, slot, ranks = hits[who[0]], int(tasks[k, 3]), who[0] == len(self._banks)
                alarms.append(
                    Alarm(
                        column=int(tasks[k, 0]),
                        row=int(first[k]),
                        slot=slot,
                        detector=self._labels[who[0]],
                        others=tuple(self._labels[i] for i in who[1:]),
                        statistic=float(found.statistic[k]),
                        threshold=float(found.threshold[k]),
                        change=looked.change(int(k)) if ranks else self._change(slot),
                        restarts=int(self._restarts[slot]),
                    )
                )
            self._restarts[tasks[hit, 3]] += 1
            self._restart(tasks[hit, 3])
            tasks, first = tasks[hit], first[hit]
            tasks[:, 1] = first + 1
            tasks = tasks[tasks[:, 1] < tasks[:, 2]]
            longest = int((tasks[:, 2] - tasks[:, 1]).max(initial=0))
        return alarms

    def _change(self, slot: int) -> Change | ShareChange:
        """Tell the likeliest change of a slot."""
        if isinstance(self._changes, CategoryCounts):
            return self._changes.change(slot)
        return self._changes.change(slot, self._standardiser.unit(slot))

    def scan_all(self, values: Floats) -> list[Alarm]:
        """Feed row s of a matrix to slot s; its columns count as times and offsets."""
        values = np.ascontiguousarray(values, np.float64)
        rows = np.arange(values.shape[1])
        return self.scan(values, every_row(values), rows.astype(np.float64), rows)

    def state(self, used: int | None = None) -> State:
        """Copy all there is to know, as plain arrays.

        Parameters
        ----------
        used
            Slots to save, the first ones: those behind have not seen a value. None: all.

        Returns
        -------
        dict of str to ndarray
            What a watch of that number of slots loads.
        """
        parts = {
            f"{part}.{name}": array if name in slots.lists else array[:used]
            for part, slots in self._parts.items()
            for name, array in slots.state().items()
        }
        follow = {} if self._life is None else self._life.state(used)
        parts |= {f"{_FOLLOW}{name}": array for name, array in follow.items()}
        return parts | {"restarts": self._restarts[:used].copy()}

    def load(self, state: State) -> None:
        """Take the place of the watch that made `state`, to the last bit.

        Raises
        ------
        StateError
            If it does not fit; nothing was changed.
        """
        parts = self._parts
        restarts, split, follow = split_state(state, parts, FINDER)
        # Loading puts new arrays in the place of old ones, so the old references undo it.
        before = {part: vars(slots).copy() for part, slots in parts.items()}
        try:
            load_parts(parts, split, len(restarts))
            life = None if self._life is None else life_of(self._life, follow, len(restarts))
        except StateError:
            for part, slots in parts.items():
                vars(slots).update(before[part])
            raise
        self._restarts, self._life = restarts.copy(), life

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        follow = 0 if self._life is None else self._life.nbytes()
        return sum((part.nbytes() for part in self._parts.values()), self._restarts.nbytes + follow)

    @property
    def _parts(self) -> dict[str, Slots]:
        banks = {
            f"detector:{name}": bank for name, bank in zip(self._names, self._banks, strict=True)
        }
        unit: dict[str, Slots] = {} if self._blind else {"standardiser": self._standardiser}
        whitener = {"whitener": self._whitener} if self._whitener else {}
        return unit | whitener | {"changes": self._changes} | banks

    def categories(self) -> Floats:
        """All categories that alarms may speak of, in ascending order; none for numbers."""
        return self._changes.keys() if isinstance(self._changes, CategoryCounts) else np.empty(0)

    def _in_units(self, values: Floats, tasks: Ints) -> tuple[Floats, Looks]:
        """Standardise the values, and look at warm-ups; categories have no unit."""
        if self._blind:
            return values, NO_LOOKS
        if self._standardised.shape != values.shape:
            self._standardised = np.empty(values.shape)
        looked = NO_LOOKS
        if self._life is not None and self._standardiser.any_warming(tasks):
            looked = looks(self._restarts[tasks[:, 3]], self._standardiser.warmup)
        self._standardiser.scan_checked(values, tasks, self._standardised, looked)
        if not any(self._raw) and looked.learned.any():
            looked.prime(self._banks, tasks[:, 3])
        return self._standardised, looked

    def _whitened(self, standardised: Floats, tasks: Ints) -> Floats:
        """Leave what is new in each value, if that is what detectors are to read."""
        if self._whitener is None:
            return standardised
        if self._residuals.shape != standardised.shape:
            self._residuals = np.empty(standardised.shape)
        self._whitener.scan(standardised, tasks, self._residuals)
        return self._residuals

    def _unscaled(self, values: Floats) -> Floats:
        """Take the values as they are, but none of a warm-up."""
        return np.where(np.isnan(self._standardised), np.nan, values)

    def _restart(self, slots: Ints) -> None:
        self._past += int(self._changes.count(slots).sum())
        for part in self._parts.values():
            part.reset(slots)
