"""Count the values of each series at every five hundredth event of its model."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import UNWATCHED, Layout, Model
from streamproc.decode.matrix import Matrix
from streamproc.decode.present_kernel import count_between
from streamproc.decode.present_values import PresentValues
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.layout_groups import LayoutGroups
from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EVERY: Final = 500
"""Events of a model from one milestone to the next."""
JUDGED: Final = 1000
"""Events of a model since the first value of a series, before which it is neither blind nor new."""
WARM_UPS: Final = 5
"""Warm-ups that events of the model would have filled before a series without one is blind."""
MIN_SHARE: Final = 0.01
"""Share of events that have a new feature, from which on it is reported."""

Restarted = Mapping[tuple[DetectorGroup, int], int]
"""First alarm of series that never had one before: column of the matrix, by group and slot."""


@compiled
def crosses(runs: Ints, events: Ints, every: int) -> bool:
    """Whether a model reaches a multiple of `every` events.

    Parameters
    ----------
    runs
        (models, 3): row in the layout, first event, event after the last.
    events
        Number of events of each row before.
    every
        Events from one multiple to the next.
    """
    for run in range(len(runs)):
        row, start, stop = runs[run]
        if events[row] % every + stop - start >= every:
            return True
    return False


class Counts(NamedTuple):
    """The series of one detector group and model, before the events of a milestone are watched.

    Attributes
    ----------
    group
        The detectors.
    names
        Series name of each column of the matrix.
    columns, slots
        (series,): column of the matrix, and slot.
    born
        (series,): number of the model's events before the series' feature first appeared.
    values
        (series,): number of values by the milestone; negative if the series was restarted before.
    """

    group: DetectorGroup
    names: Sequence[str]
    columns: Ints
    slots: Ints
    born: Ints
    values: Ints

    def blind(self, events: int) -> NDArray[np.bool_]:
        """Whether the first warm-up of each series does not end by that event of the model."""
        warmup = self.group.warmup
        late = events - self.born >= blind_after(warmup)
        found: NDArray[np.bool_] = (self.values >= 0) & (self.values < warmup) & late
        return found

    def alarmed(self, restarted: Restarted, column: int) -> NDArray[np.bool_]:
        """Whether each series alarmed for the first time in these events, by a column."""
        found = np.zeros(len(self.slots), np.bool_)
        for (group, slot), at in restarted.items():
            if group is self.group and at <= column:
                found |= self.slots == slot
        return found


class Milestone(NamedTuple):
    """An event by which a model has had a multiple of `EVERY` events.

    Attributes
    ----------
    model
        The model.
    events
        The multiple.
    column
        The event's column in the matrix.
    counts
        The series of the model by detector group, as far as they may be blind or new.
    """

    model: Model
    events: int
    column: int
    counts: tuple[Counts, ...]

    def blind(self, restarted: Restarted) -> tuple[str, ...]:
        """Return the series whose first warm-up does not end, by name.

        Parameters
        ----------
        restarted
            Series that alarmed for the first time in these events; those are not blind.
        """
        found: list[str] = []
        for counts in self.counts:
            blind = counts.blind(self.events) & ~counts.alarmed(restarted, self.column)
            found += [counts.names[column] for column in counts.columns[blind].tolist()]
        return tuple(sorted(found))

    def new(self, restarted: Restarted) -> tuple[tuple[str, int, int, int], ...]:
        """Return the features that a known model has since about 1,000 events, and how often.

        Returns
        -------
        tuple of tuple
            Name of the series, number of its values, and of the events since its first one and
            before; of a series that has alarmed, the number of values is that of its warm-up.
        """
        found: list[tuple[str, int, int, int]] = []
        for counts in self.counts:
            since = self.events - counts.born
            unknown = (counts.values < 0) | counts.alarmed(restarted, self.column)
            values = np.where(unknown, counts.group.warmup, counts.values)
            new = _are_new(counts.born, self.events) & (values >= MIN_SHARE * since)
            figures = (each[new].tolist() for each in (counts.columns, values, since, counts.born))
            found += [(counts.names[column], *of) for column, *of in zip(*figures, strict=True)]
        return tuple(sorted(found))


def blind_after(needed: int) -> int:
    """Return after how many events of its model a series without `needed` values is blind.

    Examples
    --------
    >>> blind_after(200), blind_after(400)
    (1000, 2000)
    """
    return max(JUDGED, WARM_UPS * needed)


def milestones(groups: LayoutGroups, layout: Layout, data: Matrix) -> Iterator[Milestone]:
    """Yield the milestones among events that are not watched yet, model by model."""
    for row, start, stop in data.runs.tolist():
        before = int(layout.events[row])
        first = (before // EVERY + 1) * EVERY
        for events in range(first, before + stop - start + 1, EVERY):
            column = start + events - before - 1
            model = layout.model(row)
            counts = tuple(_counts(groups, model, events, data, (start, column + 1)))
            yield Milestone(model, events, column, counts)


def _counts(
    groups: LayoutGroups, model: Model, events: int, data: Matrix, span: tuple[int, int]
) -> Iterator[Counts]:
    """Count the values of the series that are in their first warm-up, or new."""
    layout, row, births = model.layout, model.row, _births(model)
    for group, of_group in groups.columns:
        columns = of_group[layout.slots[row, of_group] != UNWATCHED]
        slots = layout.slots[row, columns]
        values = group.watch.first_values(slots)
        chosen = (values >= 0) & (values < group.warmup) | _are_new(births[columns], events)
        columns, slots, values = columns[chosen], slots[chosen], values[chosen]
        if len(columns):
            if isinstance(data.values, PresentValues):
                count_between(*data.values[:2], columns, span, values)
            else:
                count_values(data.values, columns, span, values)
            yield Counts(group, layout.series, columns, slots, births[columns], values)


def _are_new(born: Ints, events: int) -> NDArray[np.bool_]:
    """Whether series are those of features that a known model has since about 1,000 events."""
    since = events - born
    found: NDArray[np.bool_] = (born >= JUDGED) & (since >= JUDGED) & (since < JUDGED + EVERY)
    return found


def _births(model: Model) -> Ints:
    """Return `born` of each series of a model's layout; kept until either has changed."""
    layout, births = model.layout, model.births
    if model.born is None or model.born[:2] != (layout, len(births)):
        series = layout.series
        found = [born(model, name) for name in series] if births else [0] * len(series)
        model.born = layout, len(births), np.array(found, np.int64)
    return model.born[2]


@compiled
def count_values(values: Floats, columns: Ints, span: tuple[int, int], counts: Ints) -> None:
    """Add the number of values of some columns that are not missing, unless it is negative.

    Parameters
    ----------
    values
        (series, events).
    columns
        Rows of `values` to count.
    span
        First event, and event after the last.
    counts
        (columns,): increased.
    """
    for each in range(len(columns)):
        if counts[each] >= 0:
            for event in range(span[0], span[1]):
                counts[each] += not np.isnan(values[columns[each], event])


def _feature(series: str, births: Container[str]) -> str | None:
    """Return the feature of a series as far as it is among some; None if not."""
    name = series.removeprefix("feature:")
    if name in births:
        return name
    embedding = name.rpartition(":")[0]  # of which it is the norm, for example
    return embedding if embedding in births else None


def born(model: Model, series: str) -> int:
    """Return the number of a model's events before the feature of a series first appeared."""
    name = _feature(series, model.births)
    return 0 if name is None else model.births[name]
