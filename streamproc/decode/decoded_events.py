"""The events of one layout in a slice, before they become a matrix."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout
from streamproc.schemas.records import Record

# One integer orders the events of a slice: the record's position, then the place in it.
PLACE_BITS = 24


@dataclass(slots=True)
class DecodedEvents:
    """Events in log order as a decoder made them, and the place of each in the slice.

    Attributes
    ----------
    loose
        Which of them are as events of any shape. These cost what they hold, while others cost what
        their layout holds. They may have what the layout does not; that is missing.
    """

    events: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events)


class Birth(NamedTuple):
    """A series that begins within the events of a batch.

    Attributes
    ----------
    model
        Id of its model.
    name
        Of the feature, or of the class.
    event
        Place of its first event among those of the model.
    of_class
        Whether it is a class.
    """

    model: str
    name: str
    event: int
    of_class: bool


Part: TypeAlias = DecodedEvents | DecodedColumns


class LayoutBatch:
    """Events of one layout in log order, in parts that were read one way or the other.

    Attributes
    ----------
    births
        Series that begin within these events.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.births: list[Birth] = []

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def add(self, event: Any, place: int, *, loose: bool = False) -> None:
        """Put an event behind the others; `loose`: it is one of any shape."""
        last = self.parts[-1] if self.parts else None
        if not isinstance(last, DecodedEvents):
            self.parts.append(last := DecodedEvents())
        if loose:
            last.loose.append(len(last.events))
        last.events.append(event)
        last.places.append(place)

    def events(self, layout: Layout, records: Sequence[Record]) -> Iterator[Any]:
        """Give all events; those that were read without the decoder go through it now."""
        for part in self.parts:
            yield from map(_event_of(part, layout, records), range(len(part)))

    def event(self, layout: Layout, records: Sequence[Record], index: int) -> Any:
        """Give one event."""
        for part in self.parts:
            if index < len(part):
                return _event_of(part, layout, records)(index)
            index -= len(part)
        msg = f"there are {len(self)} events"
        raise IndexError(msg)


LayoutBatches = dict[Layout, LayoutBatch]


def _event_of(part: Part, layout: Layout, records: Sequence[Record]) -> Callable[[int], Any]:
    if not isinstance(part, DecodedColumns):
        return part.events.__getitem__
    return lambda index: layout.typed.decode(records[part.positions[index]].value)
