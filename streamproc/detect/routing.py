"""Route the rows of a matrix, and its missing values, to the detector groups of their series."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from streamproc.decode.layout import UNWATCHED, Layout, Model, Profiles
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.routing_kernel import is_complete, write_tasks
from streamproc.detect.series_registry import SeriesRegistry

# Maximum zeros fed to a missing-value series before its first one: enough to learn that the feature
# was complete, and bounded, so that the first gap after a billion events is cheap.
ZEROS_BEFORE = 4096


class DetectorInput(NamedTuple):
    """The input of one detector group.

    Attributes
    ----------
    profile
        The group.
    values
        (series, events).
    tasks
        (k, 4): row of `values`, first event, event after the last, slot.
    names
        Series name of each row of `values`.
    """

    profile: DetectorGroup
    values: Floats
    tasks: Ints
    names: Sequence[str]


def route(catalogue: SeriesRegistry, layout: Layout, data: Matrix) -> Iterator[DetectorInput]:
    """Yield the input of each detector group, each series at most once.

    Parameters
    ----------
    catalogue
        Registry in which missing-value series are created.
    layout
        Layout of the events.
    data
        The events.
    """
    for group, columns in layout.groups:
        tasks = np.empty((len(data.runs) * len(columns), 4), np.int64)
        count = write_tasks(data.runs, columns, layout.slots, UNWATCHED, tasks)
        yield DetectorInput(group, data.values, tasks[:count], layout.series)
    features = len(layout.named)
    if is_complete(data.values, features, data.runs, layout.quality, UNWATCHED):
        return
    missing = np.isnan(data.values[:features])
    for column, start, stop in data.unborn:
        missing[column, start:stop] = False
    rows, starts = data.runs[:, 0], data.runs[:, 1]
    known = layout.quality[rows] != UNWATCHED
    if not known.any() and not missing.any():
        return
    first = np.logical_or.reduceat(missing, starts, axis=1).T & ~known
    runs = np.repeat(data.runs[:, None, :], features, axis=1)
    begun: dict[DetectorGroup, list[tuple[int, int]]] = {}
    for run, column in np.argwhere(first).tolist():
        profile = layout.quality_profiles[column]
        if profile is None:
            continue
        model = layout.model(int(rows[run]))
        begin, stop = data.runs[run, 1:].tolist()
        begin += int(missing[column, begin:stop].argmax())
        runs[run, column, 1] = begin
        earlier = begin - int(data.runs[run, 1])
        slot = catalogue.watch_quality(model, column, profile)
        present = _present(model, layout.named[column], earlier)
        begun.setdefault(profile, []).append((slot, min(present, ZEROS_BEFORE)))
    for profile, zeros in begun.items():
        profile.prime_zeros(np.array(zeros, np.int64))
    names = [f"quality:{name}" for name in layout.named]
    values = missing.astype(np.float64)
    yield from _tasks(values, layout.quality, layout.quality_profiles, names, runs)


def _present(model: Model, name: str, earlier: int) -> int:
    """Count the events with a feature before it was missing for the first time."""
    return int(model.layout.events[model.row]) - model.births.get(name, 0) + earlier


def _tasks(
    values: Floats,
    slots: Ints,
    profiles: Profiles,
    names: Sequence[str],
    runs: Ints,
) -> Iterator[DetectorInput]:
    """Yield one input for each group; `runs` is (models, series, 3)."""
    columns_of: dict[DetectorGroup, list[int]] = {}
    for column, profile in enumerate(profiles):
        if profile is not None:
            columns_of.setdefault(profile, []).append(column)
    for profile, columns in columns_of.items():
        tasks = np.empty((len(runs), len(columns), 4), np.int64)
        tasks[..., 0] = columns
        tasks[..., 1:3] = runs[:, columns, 1:]
        tasks[..., 3] = slots[runs[:, columns, 0], columns]
        flat = tasks.reshape(-1, 4)
        yield DetectorInput(profile, values, flat[flat[:, 3] != UNWATCHED], names)
