"""Route missing values to the detector groups of their missing-value series.

A feature that few events have would cost each of the others a value. So the missing-value series
of a feature that is missing from nearly all of its first events is summarised: from then on it gets
one value for each block of events, the share of those without the feature.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import SUMMARISED, UNWATCHED, Layout, Model
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.decode.present_kernel import find_gaps as find_gaps_of_present
from streamproc.decode.present_kernel import missing_shares
from streamproc.decode.present_values import PresentValues, present_values
from streamproc.decode.sparse_features import BLOCK, NOT_BEGUN
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.detector_input import DetectorInput, Sources
from streamproc.detect.layout_groups import LayoutGroups
from streamproc.detect.routing_kernel import find_gaps
from streamproc.detect.series_registry import SeriesRegistry

# Maximum zeros fed to a missing-value series before its first one: enough to learn that the feature
# was complete, and bounded, so that the first gap after a billion events is cheap.
ZEROS_BEFORE = 4096
JUDGED: Final = 200
"""Values after which it is decided whether a missing-value series is summarised: its warm-up."""
# A block would have less than one event with the feature.
_FEW: Final = 1.0 - 1.0 / BLOCK


def route_missing(
    catalogue: SeriesRegistry, layout: Layout, data: Matrix
) -> Iterator[DetectorInput]:
    """Yield the inputs of missing-value series; parameters as of `route`."""
    groups, quality = catalogue.groups[layout], layout.quality[data.runs[:, 0]]
    summarised = quality == SUMMARISED
    begins = _begin(catalogue, layout, data, quality != UNWATCHED)
    yield from _by_event(groups, layout, data, begins)
    summarised |= layout.quality[data.runs[:, 0]] == SUMMARISED
    for run in np.flatnonzero(summarised.any(axis=1)).tolist():
        yield from _by_block(groups, layout, data, run, begins[run])


def _begin(
    catalogue: SeriesRegistry, layout: Layout, data: Matrix, known: NDArray[np.bool_]
) -> Ints:
    """Start the missing-value series of features that are missing for the first time.

    `known`: (models, features), whose series exist. Returns the first event of each series.
    """
    runs, births = data.runs, _births(data, known.shape[1])
    begins, gaps = np.repeat(runs[:, 1, None], known.shape[1], axis=1), np.empty_like(births)
    stops = runs[:, 2].copy()
    if isinstance(data.values, PresentValues):
        find_gaps_of_present(*data.values[:2], stops, births, gaps)
    else:
        find_gaps(data.values, stops, births, known, gaps)
    first = (gaps >= 0) & ~known
    groups = catalogue.groups[layout]
    begun: dict[DetectorGroup, list[Ints]] = {}
    for run in np.flatnonzero(first.any(axis=1)).tolist():
        row, begin, _ = runs[run].tolist()
        new, model = np.flatnonzero(first[run]), layout.model(row)
        present = int(layout.events[row]) - _born(model, new) + gaps[run, new] - begin
        for profile, places in _by_group(groups, new):
            columns = new[places]
            begins[run, columns] = gaps[run, columns]
            slots = catalogue.watch_quality(model, columns, profile)
            zeros = np.minimum(present[places], ZEROS_BEFORE)
            begun.setdefault(profile, []).append(np.stack([slots, zeros], axis=1))
    for profile, counts in begun.items():
        profile.prime_zeros(np.concatenate(counts))
    return begins


def _births(data: Matrix, features: int) -> Ints:
    """Return (models, features): the event from which on a value of each feature can be missing."""
    births = np.repeat(data.runs[:, 1, None], features, axis=1)
    if data.unborn:
        columns, starts, stops = np.array(data.unborn, np.int64).T
        births[np.searchsorted(data.runs[:, 1], starts), columns] = stops
    return births


def _missing(data: Matrix, columns: Ints) -> Floats:
    """Return (features, events): 1 where a value of some features is missing, else 0."""
    if isinstance(data.values, PresentValues):
        found = data.values.missing(columns, len(data.ts))
    else:
        found = np.isnan(data.values[columns]).astype(np.float64)
    if data.unborn:
        places = {column: place for place, column in enumerate(columns.tolist())}
        for column, start, stop in data.unborn:
            if (place := places.get(column)) is not None:
                found[place, start:stop] = 0.0
    return found


def _by_group(groups: LayoutGroups, columns: Ints) -> Iterator[tuple[DetectorGroup, Ints]]:
    """Yield the detector groups of missing-value series, and which of some columns they watch."""
    numbers = groups.quality_numbers[columns]
    for number in dict.fromkeys(numbers.tolist()):  # in the order of the columns
        group = groups.quality_groups[number]
        if group is not None:
            yield group, np.flatnonzero(numbers == number)


def _born(model: Model, columns: Ints) -> Ints:
    """Return the number of a model's events before each of some features first appeared."""
    if not model.births:
        return np.zeros(len(columns), np.int64)
    names = (model.layout.named[column] for column in columns.tolist())
    return np.array([model.births.get(name, 0) for name in names], np.int64)


def _by_event(
    groups: LayoutGroups, layout: Layout, data: Matrix, begins: Ints
) -> Iterator[DetectorInput]:
    """Yield one value an event; from where a series is summarised on, `begins` is moved there."""
    rows = data.runs[:, 0]
    slots = layout.quality[rows]
    used = np.flatnonzero((slots >= 0).any(axis=0))
    if not len(used):
        return
    names = [f"quality:{layout.named[column]}" for column in used.tolist()]
    values = _missing(data, used)
    for profile, places in _by_group(groups, used):
        columns = used[places]
        tasks = np.empty((len(rows), len(columns), 4), np.int64)
        tasks[..., 0] = places
        tasks[..., 1] = begins[:, columns]
        tasks[..., 2] = data.runs[:, 2, None]
        tasks[..., 3] = slots[:, columns]
        flat = tasks.reshape(-1, 4)
        watched = np.flatnonzero(flat[:, 3] >= 0)
        fed = DetectorInput(profile, values, flat[watched], names)
        judged = _judged(fed)
        if not len(judged):
            yield fed
            continue
        stops = fed.tasks[judged, 2].copy()
        seen = profile.watch.first_values(fed.tasks[judged, 3])
        fed.tasks[judged, 2] = fed.tasks[judged, 1] + JUDGED - seen
        yield fed
        remaining = fed.tasks[judged]
        remaining[:, 1], remaining[:, 2] = remaining[:, 2], stops
        few = _missing_often(profile, remaining[:, 3])
        runs, of = watched[judged[few]] // len(columns), used[remaining[few, 0]]
        begins[runs, of] = remaining[few, 1]
        for run in np.unique(runs).tolist():
            model = layout.model(int(rows[run]))
            _summarise(model, of[runs == run], profile)
        remaining = remaining[~few & (remaining[:, 1] < remaining[:, 2])]
        if len(remaining):
            yield DetectorInput(profile, values, remaining, names)


def _judged(fed: DetectorInput) -> Ints:
    """Return the indices of the tasks in which a series has its last value before it is judged."""
    seen = fed.profile.watch.first_values(fed.tasks[:, 3])
    longer = seen + fed.tasks[:, 2] - fed.tasks[:, 1]
    return np.flatnonzero((seen >= 0) & (seen < JUDGED) & (longer >= JUDGED))


def _missing_often(profile: DetectorGroup, slots: Ints) -> NDArray[np.bool_]:
    """Whether each series is to be summarised, after its first values."""
    watch = profile.watch
    found: NDArray[np.bool_] = ~profile.open[slots] & (watch.first_values(slots) == JUDGED)
    return found & (watch.means(slots) > _FEW)


def _summarise(model: Model, columns: Ints, profile: DetectorGroup) -> None:
    """Summarise missing-value series of one group from now on; their detectors are reset."""
    slots = model.layout.quality[model.row, columns]
    profile.watch.reset(slots)
    names = (model.layout.named[column] for column in columns.tolist())
    model.sparse.add(
        (name, slot, NOT_BEGUN) for name, slot in zip(names, slots.tolist(), strict=True)
    )
    model.layout.quality[model.row, columns] = SUMMARISED


def _by_block(
    groups: LayoutGroups, layout: Layout, data: Matrix, run: int, begins: Ints
) -> Iterator[DetectorInput]:
    """Yield one value for each block of a model's events."""
    row, start, stop = data.runs[run].tolist()
    sparse, before = layout.model(row).sparse, int(layout.events[row])
    columns = sparse.columns(layout.places)
    first, last = before // BLOCK, (before + stop - start) // BLOCK
    shares = np.full((len(columns), last - first), np.nan)
    span = start, stop, before
    present, of = data.values, columns
    if not isinstance(present, PresentValues):
        present, of = present_values(present[columns]), np.arange(len(columns))
    missing_shares(*present[:2], of, begins[columns], span, BLOCK, sparse.counts, shares)
    if first == last:
        return
    events = start + (np.arange(first, last) + 1) * BLOCK - before - 1
    sources = Sources(events, None, data.ts[events], data.offsets[events])
    names = [f"quality:{name}" for name in sparse.names]
    tasks = np.empty((len(columns), 4), np.int64)
    tasks[:, 0], tasks[:, 1], tasks[:, 2] = np.arange(len(columns)), 0, last - first
    tasks[:, 3] = sparse.slots
    for profile, places in _by_group(groups, columns):
        yield DetectorInput(profile, shares, tasks[places], names, sources)
