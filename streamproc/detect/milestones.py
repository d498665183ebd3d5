"""Count the values of each series at every five hundredth event of its model."""

from collections.abc import Container, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.runtime.jit import compiled
from streamproc.decode.layout import UNWATCHED, Layout, Model
from streamproc.decode.matrix import Matrix
from streamproc.detect.detector_group import DetectorGroup

Ints = NDArray[np.int64]

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


class Count(NamedTuple):
    """A series in its first warm-up, before the events of a milestone are watched.

    Attributes
    ----------
    series
        Its name.
    group, slot
        Its detectors.
    born
        Number of the model's events before its feature first appeared.
    values
        Number of its values by the milestone; negative if it was restarted before.
    """

    series: str
    group: DetectorGroup
    slot: int
    born: int
    values: int


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
        The series of the model that are in their first warm-up, or new.
    """

    model: Model
    events: int
    column: int
    counts: tuple[Count, ...]

    def blind(self, restarted: Restarted) -> tuple[str, ...]:
        """Return the series whose first warm-up does not end, by name.

        Parameters
        ----------
        restarted
            Series that alarmed for the first time in these events; those are not blind.
        """
        return tuple(
            sorted(
                each.series
                for each in self.counts
                if 0 <= each.values < each.group.warmup
                and self.events - each.born >= blind_after(each.group.warmup)
                and restarted.get((each.group, each.slot), self.column + 1) > self.column
            )
        )

    def new(self, restarted: Restarted) -> tuple[tuple[str, int, int, int], ...]:
        """Return the features that a known model has since about 1,000 events, and how often.

        Returns
        -------
        tuple of tuple
            Name of the series, number of its values, and of the events since its first one and
            before; of a series that has alarmed, the number of values is that of its warm-up.
        """
        found = []
        for each in self.counts:
            since = self.events - each.born
            if each.born < JUDGED or not JUDGED <= since < JUDGED + EVERY:
                continue
            alarmed = restarted.get((each.group, each.slot), self.column + 1) <= self.column
            values = each.group.warmup if alarmed or each.values < 0 else each.values
            if values >= MIN_SHARE * since:
                found.append((each.series, values, since, each.born))
        return tuple(sorted(found))


def blind_after(needed: int) -> int:
    """Return after how many events of its model a series without `needed` values is blind.

    Examples
    --------
    >>> blind_after(200), blind_after(400)
    (1000, 2000)
    """
    return max(JUDGED, WARM_UPS * needed)


def milestones(layout: Layout, data: Matrix) -> Iterator[Milestone]:
    """Yield the milestones among events that are not watched yet, model by model."""
    for row, start, stop in data.runs.tolist():
        before = int(layout.events[row])
        first = (before // EVERY + 1) * EVERY
        for events in range(first, before + stop - start + 1, EVERY):
            column = start + events - before - 1
            model = layout.model(row)
            counts = tuple(_counts(model, row, data, slice(start, column + 1)))
            yield Milestone(model, events, column, counts)


def _counts(model: Model, row: int, data: Matrix, events: slice) -> Iterator[Count]:
    """Count the values of the series that are in their first warm-up, or new."""
    layout, before = model.layout, int(model.layout.events[row])
    reached = before + events.stop - events.start
    new = {name for name, at in model.births.items() if JUDGED <= reached - at < JUDGED + EVERY}
    for group, of_group in layout.groups:
        columns = of_group[layout.slots[row, of_group] != UNWATCHED]
        slots = layout.slots[row, columns]
        counts = group.watch.first_values(slots)
        young = (counts >= 0) & (counts < group.warmup)
        if new:
            young |= [_feature(layout.series[column], new) is not None for column in columns]
        for column, slot, count in zip(columns[young], slots[young], counts[young], strict=True):
            present = int(np.count_nonzero(~np.isnan(data.values[column, events])))
            values = int(count) + present if count >= 0 else -1
            name = layout.series[column]
            yield Count(name, group, int(slot), born(model, name), values)


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
