"""The events of one layout in a slice, before they become a matrix."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamproc.core.layout import Layout
from streamproc.core.plain import Scanned
from streamproc.core.record import Record

# One integer orders the events of a slice: the record's position, then the place in it.
PLACE_BITS = 24


@dataclass(slots=True)
class Decoded:
    """Events in log order as the decoder made them, and the place of each in the slice."""

    events: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events)


class Batch:
    """Events of one layout in log order, in parts that were read one way or the other."""

    def __init__(self) -> None:
        self.parts: list[Decoded | Scanned] = []

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def add(self, event: Any, place: int) -> None:
        """Put an event behind the others."""
        last = self.parts[-1] if self.parts else None
        if not isinstance(last, Decoded):
            self.parts.append(last := Decoded())
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


Batches = dict[Layout, Batch]


def _event_of(
    part: Decoded | Scanned, layout: Layout, records: Sequence[Record]
) -> Callable[[int], Any]:
    if isinstance(part, Decoded):
        return part.events.__getitem__
    return lambda index: layout.typed.decode(records[part.positions[index]].value)
