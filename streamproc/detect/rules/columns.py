"""Give the values that rules read, as columns of the events of a slice."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from streamproc.config.expression_nodes import Reference
from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatch
from streamproc.decode.event_schema import FeatureType
from streamproc.decode.layout import Layout
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.decode.present_values import PresentValues
from streamproc.schemas.records import Record

Texts: TypeAlias = NDArray[np.object_]
Bools: TypeAlias = NDArray[np.bool_]
Digests: TypeAlias = NDArray[np.uint64]


class RuleColumns:
    """The values of the events of one layout in a slice, in the order of their matrix.

    Numbers are those of the matrix. Texts and tags are taken from the events themselves; events
    that the fast decoder has read are decoded again for a tag.

    Parameters
    ----------
    layout
        The layout of all events.
    batch
        The events.
    data
        Their matrix.
    records
        Records of the slice.
    """

    def __init__(
        self, layout: Layout, batch: LayoutBatch, data: Matrix, records: Sequence[Record]
    ) -> None:
        self._layout, self._batch, self._data, self._records = layout, batch, data, records
        self._numbers: dict[Reference, Floats] = {}
        self._texts: dict[Reference, Texts] = {}

    def __len__(self) -> int:
        return len(self._data.ts)

    def numbers(self, of: Reference) -> Floats:
        """Return (events,): the numbers of a name; NaN where there is none."""
        if of not in self._numbers:
            self._numbers[of] = self._row(self._place(of))
        return self._numbers[of]

    def rows(self, names: Sequence[Reference]) -> tuple[Floats, Ints]:
        """Return numbers (series, events), and the row of each of some names; -1 without one."""
        values = self._data.values
        if isinstance(values, PresentValues):
            return np.array([self.numbers(of) for of in names]), np.arange(len(names))
        return values, np.array([self._place(of) for of in names], np.int64)

    def texts(self, of: Reference) -> Texts:
        """Return (events,): the texts of a name; None where there is none."""
        if of not in self._texts:
            found = np.full(len(self), None, np.object_)
            read = self._reader(of)
            if read is not None:
                values = map(read, self._events)
                found[:] = [value if isinstance(value, str) else None for value in values]
            self._texts[of] = found
        return self._texts[of]

    def typed(self, of: Reference) -> Reference:
        """Return a name as one of texts or of numbers: as the values of the layout are."""
        is_text = (
            bool(self._layout.shape.classes)
            if of.origin == "prediction"
            else self._layout.kinds.get(of.name) is FeatureType.TEXT
        )
        return of._replace(text=is_text and of.origin != "class")

    def digests(self, of: Reference) -> Digests:
        """Return (events,): what stands for the values of a name; 0 where there is none.

        That of a number is its bits, that of a text is a hash of 64 bits.
        """
        if not of.text:
            numbers = self.numbers(of) + 0.0  # -0.0 is 0.0
            return np.where(np.isnan(numbers), 0.0, numbers).view(np.uint64)
        texts = [text or "" for text in self.texts(of)]
        hashes = (xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) for text in texts)
        return np.fromiter(hashes, np.uint64, len(texts))

    def missing(self, of: Reference) -> Bools:
        """Return (events,): whether a value of any kind is missing."""
        if of.origin == "feature":
            return np.isnan(self._row(self._layout.places.get(of.name, -1)))
        if of.origin == "class":
            return np.isnan(self.numbers(of))
        found = np.ones(len(self), np.bool_)
        for place, name in enumerate(self._layout.series):
            if name.partition(":")[0] == "prediction":
                found &= np.isnan(self._row(place))
        return found

    def ages(self) -> Floats:
        """Return (events,): seconds from an event to its record; NaN of one without a timestamp."""
        places = (self._data.places >> PLACE_BITS).tolist()
        arrived = np.array([self._records[place].timestamp for place in places], np.float64)
        arrived[arrived <= 0] = np.nan
        ages: Floats = arrived / 1000 - self._data.ts
        return ages

    def value(self, of: Reference, event: int) -> float | str | None:
        """Return the value of a name at an event."""
        found = (self.texts(of) if of.text else self.numbers(of))[event]
        return found if found is None or isinstance(found, str) else float(found)

    def _place(self, of: Reference) -> int:
        """Return the row of the matrix; -1 without one."""
        layout = self._layout
        if of.origin == "feature":
            return layout.columns.get(of.name, -1)
        if of.origin == "class":
            return layout.class_rows.get(of.name, -1)
        return layout.series.index("prediction") if layout.shape.has_number else -1

    def _row(self, place: int) -> Floats:
        values = self._data.values
        if place < 0:
            return np.full(len(self), np.nan)
        if not isinstance(values, PresentValues):
            row: Floats = values[place]
            return row
        found = np.full(len(self), np.nan)
        span = slice(values.starts[place], values.starts[place + 1])
        found[values.events[span]] = values.values[span]
        return found

    @cached_property
    def _events(self) -> list[Any]:
        events = list(self._batch.events(self._layout, self._records))
        return [events[at] for at in self._data.order.tolist()]

    def _reader(self, of: Reference) -> Callable[[Any], Any] | None:
        """Return what reads a text of an event; None where the layout has no such texts."""
        name, layout = of.name, self._layout
        if of.origin == "tag":
            return lambda event: (event.tags or {}).get(name)
        if of.origin == "prediction":
            return (lambda event: event.prediction) if layout.shape.classes else None
        if layout.kinds.get(name) is not FeatureType.TEXT:
            return None
        field = f"f{list(layout.kinds).index(name)}"

        def read(event: Any) -> Any:
            features = event.features
            if isinstance(features, dict):
                return features.get(name)
            return getattr(features, field, None)

        return read
