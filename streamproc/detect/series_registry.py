"""Register the models and series of one partition, and assign detectors to each series."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from detectors.series.embedding import OUTPUTS
from streamproc.config.config import Config
from streamproc.config.model import DetectorSpec, ModelConfig
from streamproc.config.reference_sample import Cell
from streamproc.decode.event_schema import EventSchema, Topic, WatchKey
from streamproc.decode.layout import UNWATCHED, Ints, Layout, Model
from streamproc.decode.schema_growth import News
from streamproc.decode.sparse_features import SparseFeatures
from streamproc.decode.value_encoding import Encoders
from streamproc.decode.vocabulary import MAX_TEXTS
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.eviction import Idle
from streamproc.detect.group_lookup import GroupLookup, key_of
from streamproc.schemas.version_key import model_of


def _of_quality(series: str) -> bool:
    return series.startswith("quality:")


def _watched(model: Model) -> int:
    """Count the series of a model that `limits.max_series` counts."""
    return sum(slot != UNWATCHED and not _of_quality(name) for name, slot in model.slots.items())


class SeriesRegistry:
    """Hold the models, layouts, detector groups and series of a partition.

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
    encoders
        Encoders of categories and embeddings.
    built
        Number of layouts built so far; each costs as much as its schema.
    """

    def __init__(self, topic: Topic, config: Config, capacity: int | None = None) -> None:
        self.topic = topic
        self.config = config
        self.capacity = config.limits.max_series if capacity is None else capacity
        self.idle = Idle(self.capacity)
        self.forgotten = 0
        self.waiting: set[str] = set()
        self.models: dict[str, Model] = {}
        self.layouts: dict[tuple[EventSchema, int], Layout] = {}
        self.profiles: dict[tuple[str, ...], DetectorGroup] = {}
        self.series = self.promised = 0
        self.refused = 0
        self.limits_reported: set[str] = set()
        self.dropped: list[tuple[str, str]] = []
        self.encoders = Encoders()
        self.built = 0
        self._lookups: dict[int, GroupLookup] = {}

    def assign(self, model_id: str, shape: EventSchema) -> Model | None:
        """Assign a model to the layout of a schema; None if a new model exceeds the limit."""
        model = self.models.get(model_id)
        if model is None:
            if self.series >= self.capacity:
                self.refused += len(shape.series())
                return None
            config = self.configured(model_id)
            layout = self._layout(shape, config)
            model = self.models[model_id] = Model(model_id, config, layout, UNWATCHED)
            events = 0
        else:
            layout = self._layout(shape, model.config)
            events = model.layout.remove(model)
            self._drop(model, layout)
            self._sweep(model)
        last = int(model.layout.last[model.row]) if events else UNWATCHED
        self._watch_all(model, layout)
        if events:
            for name in layout.named:
                if name not in model.layout.places:
                    model.births.setdefault(name, events)
        layout.add(model, events, last)
        return model

    def admit(self, model: Model, news: News) -> None:
        """Watch the new series of a model, which stays in its layout until `move`.

        If all fit, `move` allocates their slots, with others. Near the limit they are allocated in
        log order, so that the series that it refuses do not depend on how the log is split.
        """
        if self.fits(news.most_series):
            self.promised += news.most_series
            return
        shape = news.shape()
        self._begin(model, self._groups(shape, model.config))
        for name in shape.lists:
            self._remember(model, name)

    def fits(self, count: int) -> bool:
        """Whether more series fit for certain, beside those that are promised."""
        return self.series + self.promised + count <= self.capacity

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
        layout = self._layout(shape, model.config)
        self.promised = 0  # all models whose schemas grew move one after the other
        self._watch_all(model, layout)
        last = int(model.layout.last[model.row])
        events = model.layout.remove(model)
        self._sweep(model)
        for name, earlier in births.items():
            if events + earlier:
                model.births.setdefault(name, events + earlier)
        layout.add(model, events, last)
        return layout

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
        sizes = {name: _watched(self.models[name]) for name in lasts}
        return self.idle.choose(lasts, sizes, wanted, offset)

    def refused_series(self) -> int:
        """Count the series that wait because of the limit."""
        slots = (self.models[model_id].slots.values() for model_id in self.waiting)
        return sum(slot == UNWATCHED for of_model in slots for slot in of_model)

    def watch_waiting(self) -> None:
        """Watch refused series as far as the limit allows, model by model."""
        for model in list(self.models.values()):
            if self.series >= self.capacity:
                return
            if model.id not in self.waiting:
                continue
            self.waiting.discard(model.id)
            refused = [name for name, slot in model.slots.items() if slot == UNWATCHED]
            for name in refused:
                del model.slots[name]
            self._watch_all(model, model.layout)
            model.layout.compile(model, model.row)

    def watch_quality(self, model: Model, columns: Ints, profile: DetectorGroup) -> list[int]:
        """Start the missing-value series of some features; return their slots.

        `limits.max_series` does not count them: there is at most one per feature, and which series
        the limit refuses must not depend on how the log is split.
        """
        slots, named = profile.acquire(len(columns)), model.layout.named
        names = (f"quality:{named[column]}" for column in columns.tolist())
        model.slots.update(zip(names, slots, strict=True))
        model.layout.quality[model.row, columns] = slots
        return slots

    def configured(self, model_id: str) -> ModelConfig:
        """Return the configuration of a model, which all of its versions share."""
        name = model_of(model_id) if self.topic is Topic.OUTCOMES else model_id
        return self.config.model(name)

    def retire(self, model_id: str) -> Model:
        """Remove a model and free its slots."""
        model = self.models.pop(model_id)
        self.waiting.discard(model_id)
        freed: dict[DetectorGroup, list[int]] = {}
        lookup = self._lookup(model.config)
        for series, slot in model.slots.items():
            if slot == UNWATCHED:
                continue
            names, category = model.layout.asked.get(series) or WatchKey((series,))
            profile = lookup.group(*names, category=category)
            if profile is not None:
                freed.setdefault(profile, []).append(slot)
                self.series -= not _of_quality(series)
        for profile, slots in freed.items():
            profile.release(*slots)
        if model.vectors:
            self.encoders.give_back(model.vectors.values())
        model.layout.remove(model)
        self._sweep(model)
        return model

    def restore(
        self,
        model_id: str,
        shape: EventSchema,
        events: int,
        slots: dict[str, int],
        births: dict[str, int],
        vectors: dict[str, int],
        last: int = UNWATCHED,
        sparse: Mapping[str, int] | None = None,
    ) -> None:
        """Restore a model from a snapshot; series that are not in `slots` are created.

        `sparse`: count in the current block of each feature that is summarised.
        """
        config = self.configured(model_id)
        layout = self._layout(shape, config)
        model = self.models[model_id] = Model(
            model_id, config, layout, UNWATCHED, slots, vectors, births, SparseFeatures()
        )
        model.sparse.add(
            (name, slots[f"quality:{name}"], count)
            for name, count in (sparse or {}).items()
            if f"quality:{name}" in slots
        )
        self.series += _watched(model)
        if UNWATCHED in slots.values():
            self.waiting.add(model_id)
        self._watch_all(model, layout)
        layout.add(model, events, last)

    def prune(self) -> None:
        """Drop cached categories that no series knows, if there are many."""
        slots = sum(profile.used for profile in self.profiles.values() if profile.categories)
        self.encoders.texts.keep(self.categories, max(MAX_TEXTS, 4 * slots))

    def categories(self) -> set[float]:
        """Return the numbers of all categories that an alert may have to name."""
        return {
            category
            for profile in self.profiles.values()
            for category in profile.watch.categories().tolist()
        }

    def warming(self) -> int:
        """Count the series in their warm-up, which cannot alarm."""
        return sum(
            int(profile.watch.warming[: profile.used].sum()) - len(profile.spare)
            for profile in self.profiles.values()
        )

    def unwatched(self) -> int:
        """Count the features that were always null, so that their type is unknown."""
        return sum(
            (layout.shape.features - len(layout.named)) * len(layout.rows)
            for layout in self.layouts.values()
        )

    def _watch_all(self, model: Model, layout: Layout) -> None:
        """Allocate slots for all series of a layout that have none."""
        self._begin(model, zip(layout.series, layout.profiles, strict=True))
        for name in layout.lists:
            self._remember(model, name)

    def _begin(self, model: Model, series: Iterable[tuple[str, DetectorGroup | None]]) -> None:
        """Allocate slots for new series that have detectors, and seed them with their reference."""
        slots, free = model.slots, self.capacity - self.series
        watched: dict[DetectorGroup, list[str]] = {}
        for name, group in series:
            if group is None or name in slots:
                continue
            slots[name] = UNWATCHED
            if free > 0:
                free -= 1
                watched.setdefault(group, []).append(name)
            else:
                self.refused += 1
                self.waiting.add(model.id)
        self.series += sum(map(len, watched.values()))
        baseline = self._lookup(model.config).baseline
        for group, names in watched.items():
            slots.update(zip(names, group.acquire(len(names)), strict=True))
            if baseline is not None:
                for name in names:
                    self._seed(baseline.values(name), group, slots[name])

    def _remember(self, model: Model, name: str) -> None:
        """Allocate a slot in the embedder, if a series of the embedding is watched."""
        series = [model.slots.get(f"feature:{name}:{output}") for output in OUTPUTS]
        if name not in model.vectors and any(slot not in {None, UNWATCHED} for slot in series):
            model.vectors[name] = self.encoders.take()

    def _drop(self, model: Model, layout: Layout) -> None:
        """Free the slots of series that end because their feature has another type."""
        before = model.layout
        for name in before.asked:
            slot, profile = model.slots.get(name), before.profile(name)
            if slot is None or profile is None or layout.profile(name) is profile:
                continue
            del model.slots[name]
            if slot != UNWATCHED:
                profile.release(slot)
                self.series -= 1
            self.dropped.append((model.id, name))
        for name in set(before.lists) - set(layout.lists):
            if name in model.vectors:
                self.encoders.give_back([model.vectors.pop(name)])

    def _sweep(self, model: Model) -> None:
        """Delete the layout that a model left, if it is empty: growth must not leak layouts."""
        if not model.layout.rows:
            del self.layouts[model.layout.shape, id(model.config)]

    def _seed(self, values: Sequence[Cell], profile: DetectorGroup, slot: int) -> None:
        """Feed the reference values of a series to its detectors: categories or numbers."""
        if profile.categories:
            found = self.encoders.numbers([value for value in values if isinstance(value, str)])
        else:
            found = [value for value in values if isinstance(value, float)]
        if found:
            profile.seed(slot, np.array(found))

    def _layout(self, shape: EventSchema, config: ModelConfig) -> Layout:
        key = shape, id(config)
        layout = self.layouts.get(key)
        if layout is None:
            self.built += 1
            lookup = self._lookup(config)
            profiles = dict(self._groups(shape, config))
            quality = [lookup.group(f"quality:{name}") for name in shape.named]
            layout = self.layouts[key] = Layout(shape, self.topic, profiles, quality)
        return layout

    def _groups(
        self, shape: EventSchema, config: ModelConfig
    ) -> Iterator[tuple[str, DetectorGroup | None]]:
        """Yield each series of a schema with its detector group."""
        asked = shape.asked() if shape.others else {}
        group = self._lookup(config).group
        for name in shape.series():
            if (key := asked.get(name)) is None:
                yield name, group(name)
            else:
                yield name, group(*key.names, category=key.category)

    def _lookup(self, config: ModelConfig) -> GroupLookup:
        """Return the detector groups of a configuration, which it keeps alive: its id is a key."""
        lookup = self._lookups.get(id(config))
        if lookup is None:
            lookup = self._lookups[id(config)] = GroupLookup(config, self._profile)
        return lookup

    def _profile(self, specs: tuple[DetectorSpec, ...]) -> DetectorGroup | None:
        if not specs:
            return None
        key = key_of(specs)
        profile = self.profiles.get(key)
        if profile is None:
            profile = self.profiles[key] = self.profile(specs)
        return profile

    def profile(self, specs: tuple[DetectorSpec, ...]) -> DetectorGroup:
        """Make a profile of this partition; losses are judged against labels, not followed."""
        return DetectorGroup(specs, follow=self.topic is not Topic.OUTCOMES)
