"""Collect the events of a model while its schema grows, to build one layout for all of them."""

from collections.abc import Mapping
from typing import Any

from streamproc.decode.decoded_events import Birth, DecodedEvents, LayoutBatch
from streamproc.decode.event_schema import FeatureType
from streamproc.decode.layout import Layout, Model
from streamproc.decode.model_registry import ModelRegistry
from streamproc.decode.schema_growth import Growth, News


class Draft:
    """Hold the events of a model from the first one that extended its schema.

    A layout costs as much as its whole schema. One layout for all new features of a slice is
    cheaper than one for each event that has some.

    Parameters
    ----------
    model
        The model, still in its previous layout; also an attribute.
    growth
        Its growing schema; also an attribute.
    """

    def __init__(self, model: Model, growth: Growth) -> None:
        self.model, self.growth = model, growth
        self._events: list[Any] = []
        self._places: list[int] = []
        self._features: dict[str, int] = {}
        self._classes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._events)

    @property
    def kinds(self) -> Mapping[str, FeatureType]:
        """Types of the features so far, by name."""
        return self.growth.kinds

    def grow(self, news: News) -> None:
        """Extend the schema by the news of the next event."""
        self.growth.add(news)
        now = len(self._events)
        for name, kind in news.features.items():
            if kind is not FeatureType.NULL:
                self._features[name] = now
        self._classes |= dict.fromkeys(news.classes, now)

    def add(self, event: Any, place: int) -> None:
        """Append the next event."""
        self._events.append(event)
        self._places.append(place)

    def move(self, catalogue: ModelRegistry, batches: dict[Layout, LayoutBatch]) -> None:
        """Move the model to the layout of its current schema, and add its events to a batch."""
        layout = catalogue.move(self.model, self.growth.shape(), self._features)
        batch = batches.setdefault(layout, LayoutBatch())
        batch.parts.append(
            DecodedEvents(self._events, self._places, list(range(len(self._events))))
        )
        for names, of_class in ((self._features, False), (self._classes, True)):
            batch.births += [
                Birth(self.model.id, name, event, of_class)
                for name, event in names.items()
                if event
            ]
