"""Collect the decoded events of one layout in a slice, before they become a matrix."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout
from streamproc.schemas.records import Record

# Sort key of an event in a slice: position of the record << PLACE_BITS, plus index in the record.
PLACE_BITS = 24


@dataclass(slots=True)
class DecodedEvents:
    """Events as msgspec structs, in log order.

    Attributes
    ----------
    events
        Structs of the layout, or generic ones.
    places
        Sort key of each event in the slice.
    loose
        Indices of the generic structs. They may hold features that the layout does not have; those
        are ignored. Their cost grows with the features they hold, not with those of the layout.
    """

    events: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events)


class Birth(NamedTuple):
    """A series that starts within a batch.

    Attributes
    ----------
    model
        Id of its model.
    name
        Name of the feature or class.
    event
        Index of its first event among the model's events of the batch.
    of_class
        Whether it is a class of the prediction.
    """

    model: str
    name: str
    event: int
    of_class: bool


Part: TypeAlias = DecodedEvents | DecodedColumns


class LayoutBatch:
    """Events of one layout in log order, in parts from the fast or the general decoder.

    Attributes
    ----------
    parts
        The events.
    births
        Series that start within these events.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.births: list[Birth] = []

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def add(self, event: Any, place: int, *, loose: bool = False) -> None:
        """Append an event; `loose` marks a generic struct."""
        last = self.parts[-1] if self.parts else None
        if not isinstance(last, DecodedEvents):
            self.parts.append(last := DecodedEvents())
        if loose:
            last.loose.append(len(last.events))
        last.events.append(event)
        last.places.append(place)

    def events(self, layout: Layout, records: Sequence[Record]) -> Iterator[Any]:
        """Yield all events; those of the fast decoder are decoded again, into structs."""
        for part in self.parts:
            yield from map(_event_of(part, layout, records), range(len(part)))

    def event(self, layout: Layout, records: Sequence[Record], index: int) -> Any:
        """Return one event.

        Raises
        ------
        IndexError
            If there are not that many events.
        """
        for part in self.parts:
            size = len(part)
            if index < size:
                return _event_of(part, layout, records)(index)
            index -= size
        msg = f"there are {len(self)} events"
        raise IndexError(msg)


LayoutBatches = dict[Layout, LayoutBatch]


def _event_of(part: Part, layout: Layout, records: Sequence[Record]) -> Callable[[int], Any]:
    if not isinstance(part, DecodedColumns):
        return part.events.__getitem__
    return lambda index: layout.decode_again(part.body(index, records))
