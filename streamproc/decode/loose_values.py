"""The numeric features of generic events, in time proportional to the features they hold."""

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.decoded_events import DecodedEvents, Part
from streamproc.decode.layout import Layout
from streamproc.decode.present_values import PresentValues, is_sparse, sorted_by_series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NUMERIC: Final = frozenset({float, bool, type(None)})


class LooseValues(NamedTuple):
    """Values of numeric features, one event behind the other.

    Attributes
    ----------
    events
        (values,): index of the event of each value, ascending.
    columns
        (values,): index of its feature.
    values
        (values,): the values; NaN for null and for values of another type than their feature.
    """

    events: Ints
    columns: Ints
    values: Floats


def values_of_loose(layout: Layout, part: DecodedEvents) -> LooseValues:
    """Return the numeric features of the generic events of a part."""
    held: list[Mapping[str, Any]] = [part.events[at].features or {} for at in part.loose]
    values = list(chain.from_iterable(features.values() for features in held))
    if not _NUMERIC.issuperset(map(type, values)):  # some have another type than their feature
        values = [value if type(value) in _NUMERIC else None for value in values]
    places = map(layout.columns.get, chain.from_iterable(held), repeat(-1))
    columns = np.fromiter(places, np.int64, len(values))
    events = np.repeat(np.array(part.loose, np.int64), [len(features) for features in held])
    known = columns >= 0
    numbers = np.array(values, np.float64)  # None becomes NaN
    return LooseValues(events[known], columns[known], numbers[known])


def present_of_loose(layout: Layout, parts: Sequence[Part], models: int) -> PresentValues | None:
    """Return the present values of generic events of one model, without a matrix of all cells.

    All series of the layout are plain numbers. None if there are several models or parts, other
    events, or if the values are not sparse.
    """
    part, width = parts[0], len(layout.series)
    if models > 1 or len(parts) > 1 or not isinstance(part, DecodedEvents):
        return None
    if len(part.loose) < len(part) or not is_sparse(sum(_sizes(part)), width * len(part)):
        return None
    events, columns, values = values_of_loose(layout, part)
    if layout.shape.has_number:  # None becomes NaN
        predicted = np.array([event.prediction for event in part.events], np.float64)
        events = np.concatenate([events, np.arange(len(part))])
        columns = np.concatenate([columns, np.full(len(part), width - 1)])
        values = np.concatenate([values, predicted])
    present = ~np.isnan(values)
    return sorted_by_series(columns[present], events[present], values[present], width)


def _sizes(part: DecodedEvents) -> Sequence[int]:
    """Return how many values each event has at most."""
    return [len(event.features or ()) + 1 for event in part.events]
