"""Build a matrix (series, events) from the events of one layout, with their coordinates."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from streamproc.decode.decoded_events import PLACE_BITS, DecodedEvents, LayoutBatch
from streamproc.decode.event_schema import FeatureType, PredictionForm
from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import FITTING, Layout
from streamproc.decode.loose_values import present_of_loose, values_of_loose
from streamproc.decode.matrix_kernel import MAX_SORTED, arrange
from streamproc.decode.present_values import PresentValues, compressed, present_of
from streamproc.decode.value_encoding import Encoders
from streamproc.detectors.series.embedding import OUTPUTS
from streamproc.schemas.records import Record
from streamproc.schemas.timestamps import MILLISECONDS_FROM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Matrix(NamedTuple):
    """The values of the events of one layout, grouped by model, in log order within each.

    Attributes
    ----------
    values
        (series, events), NaN where a value is missing; only the present ones if they are few.
    ts
        (events,): event time, seconds since 1970.
    places, offsets
        (events,): sort key in the slice, and offset of the record.
    runs
        (models, 3): row in the layout, first event, event after the last.
    order
        (events,): index in the batch of each column.
    event_of
        Returns the event at an index of the batch.
    unborn
        Features that first appear within their model's run: (index in `Layout.named`, first event
        of the model, first event of the feature).
    """

    values: Floats | PresentValues
    ts: Floats
    places: Ints
    offsets: Ints
    runs: Ints
    order: Ints
    event_of: Callable[[int], Any]
    unborn: Sequence[tuple[int, int, int]] = ()

    def event(self, column: int) -> Any:
        """Return the event of a column of `values`."""
        return self.event_of(int(self.order[column]))


def matrix(
    layout: Layout, batch: LayoutBatch, records: Sequence[Record], encoders: Encoders
) -> Matrix:
    """Build the matrix of the events of one layout.

    Parameters
    ----------
    layout
        The layout of all events.
    batch
        The events in log order.
    records
        Records of the slice.
    encoders
        Encoders of categories and embeddings.
    """
    first = batch.parts[0]
    if (
        len(batch.parts) == 1
        and isinstance(first, DecodedColumns)
        and first.indices is None
        and len(first) <= MAX_SORTED
    ):
        return _small_matrix(layout, batch, first, records)
    coordinates = [_coordinates(layout, part, records) for part in batch.parts]
    rows, ts, places = (np.concatenate(parts) for parts in zip(*coordinates, strict=True))
    order = np.argsort(rows, kind="stable")
    rows, places = rows[order], places[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    stops = np.append(starts[1:], len(rows))
    runs = np.stack([rows[starts], starts, stops], axis=1)
    values = _values(layout, batch, order, runs, encoders)
    return Matrix(
        values=values,
        ts=ts[order],
        places=places,
        offsets=_offsets(records, places >> PLACE_BITS),
        runs=runs,
        order=order,
        event_of=partial(batch.event, layout, records),
        unborn=_unborn(layout, batch, runs) if batch.births else (),
    )


def _small_matrix(
    layout: Layout, batch: LayoutBatch, part: DecodedColumns, records: Sequence[Record]
) -> Matrix:
    """Build the matrix of few plain events, whose columns are those of the layout."""
    count = len(part)
    values, ts = np.empty((part.values.shape[1], count)), np.empty(count)
    places, order = np.empty(count, np.int64), np.empty(count, np.int64)
    runs = np.empty((count, 3), np.int64)
    events = part.rows, part.ts, part.positions, part.values
    runs = runs[: arrange(events, PLACE_BITS, values, ts, places, order, runs)]
    offsets = [records[place >> PLACE_BITS].offset for place in places.tolist()]
    return Matrix(
        values=values,
        ts=ts,
        places=places,
        offsets=np.array(offsets, np.int64),
        runs=runs,
        order=order,
        event_of=partial(batch.event, layout, records),
    )


def _offsets(records: Sequence[Record], positions: Ints) -> Ints:
    """Return the offsets of records by their positions."""
    first, last = records[0].offset, records[-1].offset
    if last - first == len(records) - 1:  # they increase: all are there
        return first + positions
    return np.array([records[position].offset for position in positions.tolist()], np.int64)


def _unborn(layout: Layout, batch: LayoutBatch, runs: Ints) -> Sequence[tuple[int, int, int]]:
    """Return where features start."""
    starts = dict(runs[:, :2].tolist())
    return [
        (layout.places[birth.name], start, start + birth.event)
        for birth in batch.births
        if not birth.of_class
        for start in (starts[layout.rows[birth.model]],)
    ]


def _clear_unborn(layout: Layout, batch: LayoutBatch, runs: Ints, values: Floats) -> None:
    """Set classes to NaN before their first event."""
    starts = dict(runs[:, :2].tolist()) if batch.births else {}
    for birth in batch.births:
        if birth.of_class:
            start = starts[layout.rows[birth.model]]
            values[layout.class_rows[birth.name], start : start + birth.event] = np.nan


def _coordinates(
    layout: Layout, part: DecodedEvents | DecodedColumns, records: Sequence[Record]
) -> tuple[Ints, Floats, Ints]:
    """Return row, time and sort key of each event."""
    if isinstance(part, DecodedColumns):
        places = part.positions << PLACE_BITS
        return part.rows, part.ts, places if part.indices is None else places + part.indices
    rows = np.array([layout.rows[event.model_id] for event in part.events], np.int64)
    behind = [records[place >> PLACE_BITS] for place in part.places]
    ts = [
        ts
        if (ts := event.ts).__class__ is float and ts < MILLISECONDS_FROM
        else seconds(ts, record)
        for event, record in zip(part.events, behind, strict=True)
    ]
    return rows, np.array(ts, np.float64), np.array(part.places, np.int64)


def seconds(ts: float | datetime | None, record: Record) -> float:
    """Return an event's time in seconds since 1970, by default its record's timestamp."""
    if isinstance(ts, datetime):
        return ts.timestamp()
    if ts is None:
        return record.timestamp / 1000
    return ts / 1000 if ts >= MILLISECONDS_FROM else ts


def _values(
    layout: Layout, batch: LayoutBatch, order: Ints, runs: Ints, encoders: Encoders
) -> Floats | PresentValues:
    """Return the values (series, events), with the events in `order`."""
    shape = layout.shape
    numbers = len(shape.numbers)
    ready = numbers + shape.has_number
    if ready == len(layout.series):
        if (found := present_of_loose(layout, batch.parts, len(runs))) is not None:
            return found
        return _transposed([_rows(layout, part) for part in batch.parts], order, runs)
    values = np.empty((len(layout.series), len(order)))
    if shape.others:
        _others(values, layout, batch, order, runs, encoders)
    if numbers:
        parts = [_numbers(layout, part) for part in batch.parts]
        values[:numbers] = np.concatenate(parts)[order].T
    if shape.form is not PredictionForm.NONE:
        first = numbers + len(layout.texts) + len(OUTPUTS) * len(layout.lists)
        predicted = np.concatenate([_predictions(layout, part) for part in batch.parts], axis=1)
        values[first:] = predicted[:, order]
        _clear_unborn(layout, batch, runs, values)
    return compressed(values)


def _transposed(parts: Sequence[Floats], order: Ints, runs: Ints) -> Floats | PresentValues:
    """Return (series, events) of parts (events, series), with their events in `order`."""
    if len(runs) > 1:
        parts = [np.concatenate(parts)[order]]
    found = present_of(parts)
    return np.ascontiguousarray(np.concatenate(parts).T) if found is None else found


def _rows(layout: Layout, part: DecodedEvents | DecodedColumns) -> Floats:
    """Return (events, series) of a layout in which all series are plain numbers."""
    if isinstance(part, DecodedColumns):
        return part.values
    numbers = len(layout.shape.numbers)
    if part.loose:
        found = np.full((len(part), len(layout.series)), np.nan)
        _fill_numbers(layout, part, found[:, :numbers])
        if layout.shape.has_number:
            found[:, -1] = [event.prediction for event in part.events]  # None becomes NaN
        return found
    rows: Any = [astuple(event.features)[:numbers] for event in part.events]
    if layout.shape.has_number:
        rows = [(*row, event.prediction) for row, event in zip(rows, part.events, strict=True)]
    return np.array(rows, np.float64).reshape(len(part), len(layout.series))  # None becomes NaN


def _numbers(layout: Layout, part: DecodedEvents | DecodedColumns) -> Floats:
    """Return the numeric features, (events, features)."""
    numbers = len(layout.shape.numbers)
    if isinstance(part, DecodedColumns):
        return part.values[:, :numbers]
    if not part.loose:
        rows = [astuple(event.features)[:numbers] for event in part.events]
        return np.array(rows, np.float64).reshape(len(part), numbers)  # None becomes NaN
    found = np.full((len(part), numbers), np.nan)
    _fill_numbers(layout, part, found)
    return found


def _fill_numbers(layout: Layout, part: DecodedEvents, found: Floats) -> None:
    """Write the numeric features of a part with generic events into `found`."""
    values = values_of_loose(layout, part)
    found[values.events, values.columns] = values.values
    typed = _typed(part)
    if typed:
        rows = [astuple(part.events[at].features)[: found.shape[1]] for at in typed]
        found[typed] = np.array(rows, np.float64)


def _typed(part: DecodedEvents) -> list[int]:
    """Return the indices of the events that are structs of the layout."""
    loose = set(part.loose)
    return [at for at in range(len(part)) if at not in loose]


def _others(
    values: Floats,
    layout: Layout,
    batch: LayoutBatch,
    order: Ints,
    runs: Ints,
    encoders: Encoders,
) -> None:
    """Fill the rows of categories and embeddings, which follow those of the numbers."""
    row, texts, lists = len(layout.shape.numbers), len(layout.texts), len(layout.lists)
    embedded = values[row + texts :][: len(OUTPUTS) * lists].reshape(
        len(OUTPUTS), lists, len(order)
    )
    found = 0
    tuples = _tuples(layout, batch) if texts or lists else []
    for place, (_, kind) in enumerate(layout.fields[row:]):
        if kind is FeatureType.TEXT:
            numbers = encoders.numbers([event[place] for event in tuples])
            values[row] = np.array(numbers)[order]
            row += 1
        elif kind is FeatureType.LIST:
            column = [tuples[event][place] for event in order.tolist()]
            slots = layout.vectors[runs[:, 0], found]
            embedded[:, found] = encoders.embedded(column, runs, slots)
            found += 1


def _tuples(layout: Layout, batch: LayoutBatch) -> list[Sequence[Any]]:
    """Return the values of the non-numeric features of each event."""
    numbers = len(layout.shape.numbers)
    fields = layout.fields[numbers:]
    nothing = [None] * len(fields)
    found: list[Sequence[Any]] = []
    for part in batch.parts:
        if isinstance(part, DecodedColumns):
            found += [nothing] * len(part)
            continue
        loose = set(part.loose)
        for at, event in enumerate(part.events):
            if at in loose:
                features = event.features or {}
                found.append([_fitting(features.get(name), kind) for name, kind in fields])
            else:
                found.append(astuple(event.features)[numbers:])
    return found


def _fitting(value: Any, kind: FeatureType) -> Any:
    return value if isinstance(value, FITTING[kind]) else None


def _predictions(layout: Layout, part: DecodedEvents | DecodedColumns) -> Floats:
    """Return the predictions, (series, events): the number if any, then the classes."""
    shape = layout.shape
    first = int(shape.has_number)
    found = np.full((first + len(shape.classes), len(part)), np.nan)
    if isinstance(part, DecodedColumns):
        found[0] = part.values[:, -1]
        return found
    predictions = [event.prediction for event in part.events]
    if shape.form is PredictionForm.NUMBER:
        found[0] = np.array(predictions, np.float64)
    elif shape.form in _OF_CLASSES and layout.typed.classes is not None and not part.loose:
        found[:] = np.array([astuple(each) for each in predictions], np.float64).T
    elif shape.form is PredictionForm.LABEL:
        found[:] = _votes(shape.classes, predictions)
        found[:, [at for at in part.loose if predictions[at] is None]] = np.nan
    else:
        _mixed(layout, predictions, found)
    return found


_OF_CLASSES: Final = frozenset({PredictionForm.CLASSES, PredictionForm.LOSSES})


def _votes(classes: Sequence[str], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return (classes, events): whether an event predicts a class."""
    codes = {name: code for code, name in enumerate(classes)}
    of_event = np.array([codes.get(each, -1) for each in labels], np.int64)
    votes: NDArray[np.bool_] = np.arange(len(classes))[:, None] == of_event
    return votes


def _mixed(layout: Layout, predictions: Sequence[Any], found: Floats) -> None:
    """Write predictions of different forms into `found`."""
    first = int(layout.shape.has_number)
    offset = first + len(layout.shape.classes) - len(layout.series)
    rows = layout.class_rows
    labels: list[int] = []
    for at, each in enumerate(predictions):
        if isinstance(each, str):
            labels.append(at)
        elif isinstance(each, Mapping):
            for name, value in each.items():
                row = rows.get(name)
                if row is not None:
                    found[offset + row, at] = value
        elif isinstance(each, (float, bool)):
            found[0, at] = each
        elif each is None:
            continue  # it was missing or unreadable
        else:
            found[first:, at] = [np.nan if value is None else value for value in astuple(each)]
    if labels:
        found[first:, labels] = _votes(layout.shape.classes, [predictions[at] for at in labels])
