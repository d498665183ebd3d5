"""What the decoder asks of the registry of a partition's models."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from streamproc.config.config import Config
from streamproc.decode.event_schema import EventSchema, Topic
from streamproc.decode.eviction import Idle
from streamproc.decode.layout import UNWATCHED, Layout, Model
from streamproc.decode.schema_growth import News


class ModelRegistry(ABC):
    """Hold the models of a partition, and which of their series fit into its limit.

    The decoder moves models between layouts as their schemas grow, and evicts idle ones. How their
    series are watched is up to `streamproc.detect.series_registry.SeriesRegistry`.

    Parameters
    ----------
    topic
        Kind of the topic.
    config
        The configuration.
    capacity
        This partition's share of `limits.max_series`; None for all of it.

    Attributes
    ----------
    models
        All models by id.
    capacity
        Maximum number of watched series.
    series
        Number of watched series.
    promised
        Number of series at most that `move` is going to watch.
    idle
        Policy that chooses models to evict.
    forgotten
        Number of evicted models.
    waiting
        Ids of models with series that are not watched because of the limit.
    refused
        Number of series that were not watched because of the limit.
    limits_reported
        Names of the limits that an alert has reported.
    dropped
        (model, series) that ended because their feature changed its type.
    """

    def __init__(self, topic: Topic, config: Config, capacity: int | None = None) -> None:
        self.topic = topic
        self.config = config
        self.capacity = config.limits.max_series if capacity is None else capacity
        self.idle = Idle(self.capacity)
        self.models: dict[str, Model] = {}
        self.series = self.promised = 0
        self.forgotten = self.refused = 0
        self.waiting: set[str] = set()
        self.limits_reported: set[str] = set()
        self.dropped: list[tuple[str, str]] = []

    @abstractmethod
    def assign(self, model_id: str, shape: EventSchema) -> Model | None:
        """Assign a model to the layout of a schema; None if a new model exceeds the limit."""

    @abstractmethod
    def admit(self, model: Model, news: News) -> None:
        """Watch the new series of a model, which stays in its layout until `move`."""

    @abstractmethod
    def move(self, model: Model, shape: EventSchema, births: Mapping[str, int]) -> Layout:
        """Move a model, after `admit`, to the layout of its grown schema.

        Parameters
        ----------
        model
            The model. No feature may have changed its type.
        shape
            Its schema now.
        births
            Number of pending events of the model before each new feature.
        """

    @abstractmethod
    def retire(self, model_id: str) -> Model:
        """Remove a model and free its slots."""

    @abstractmethod
    def watch_waiting(self) -> None:
        """Watch refused series as far as the limit allows, model by model."""

    def fits(self, count: int) -> bool:
        """Whether more series fit for certain, beside those that are promised."""
        return self.series + self.promised + count <= self.capacity

    def models_to_evict(self, offset: int, needed: int, keep: str) -> list[str]:
        """Return the ids of the models to evict, longest idle first.

        Parameters
        ----------
        offset
            Offset of the record that adds series; all events before it are watched.
        needed
            Number of series that it adds.
        keep
            Id of its model, which is not evicted.
        """
        lasts = {
            model.id: int(model.layout.last[model.row])
            for model in self.models.values()
            if model.id != keep
        }
        wanted = self.series + needed - self.capacity
        sizes = {name: self.models[name].watched for name in lasts}
        return self.idle.choose(lasts, sizes, wanted, offset)

    def refused_series(self) -> int:
        """Count the series that wait because of the limit."""
        slots = (self.models[model_id].slots.values() for model_id in self.waiting)
        return sum(slot == UNWATCHED for of_model in slots for slot in of_model)
