"""Register the models and series of one partition, and assign detectors to each series."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from streamproc.config.config import Config
from streamproc.config.model import DetectorSpec, ModelConfig
from streamproc.config.reference_sample import Cell
from streamproc.decode.event_schema import EventSchema, Topic, WatchKey
from streamproc.decode.layout import UNWATCHED, Ints, JointSlot, Layout, Model, is_counted
from streamproc.decode.model_registry import ModelRegistry
from streamproc.decode.schema_growth import News
from streamproc.decode.sparse_features import SparseFeatures
from streamproc.decode.value_encoding import Encoders
from streamproc.decode.vocabulary import MAX_TEXTS
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.group_lookup import GroupLookup, groups_of, key_of, quality_groups_of
from streamproc.detect.joint_features import JointFeatures
from streamproc.detect.layout_groups import LayoutGroups
from streamproc.detect.segment_groups import segment_groups_of
from streamproc.detect.segments import Segments
from streamproc.detectors.series.embedding import OUTPUTS
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import JOINT
from streamproc.schemas.version_key import model_of


class SeriesRegistry(ModelRegistry):
    """Hold the models, layouts, detector groups and series of a partition.

    Parameters
    ----------
    topic, config, capacity
        As in `ModelRegistry`.

    Attributes
    ----------
    encoders
        Encoders of categories and embeddings.
    joint
        State of the features that are watched together.
    segments
        The segments that are watched.
    groups
        Detector groups of each layout that has models.
    level
        Run length of detectors that a budget for false alarms sets; None: as configured.
    built
        Number of layouts built so far; each costs as much as its schema.
    """

    def __init__(self, topic: Topic, config: Config, capacity: int | None = None) -> None:
        super().__init__(topic, config, capacity)
        self.layouts: dict[tuple[EventSchema, int], Layout] = {}
        self.profiles: dict[tuple[str, ...], DetectorGroup] = {}
        self.encoders = Encoders()
        self.joint = JointFeatures()
        self.segments = Segments()
        self.built = 0
        self.level: float | None = None
        self._lookups: dict[int, GroupLookup] = {}
        self.groups: dict[Layout, LayoutGroups] = {}

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
        self._begin(model, groups_of(shape, self._lookup(model.config)))
        for name in shape.lists:
            self._remember(model, name)

    def move(self, model: Model, shape: EventSchema, births: Mapping[str, int]) -> Layout:
        """Move a model, after `admit`, to the layout of its grown schema."""
        layout = self._layout(shape, model.config, self.groups[model.layout])
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

    def watch_together(self, model: Model, names: Sequence[str], group: DetectorGroup) -> JointSlot:
        """Start the series of some features together, if there are two or more.

        `limits.max_series` does not count it: a model has one at most.
        """
        model.joint = self.joint.take(names)
        if model.joint.names:
            [model.slots[JOINT]] = group.acquire(1)
        return model.joint

    def configured(self, model_id: str) -> ModelConfig:
        """Return the configuration of a model, which all of its versions share."""
        name = model_of(model_id) if self.topic is Topic.OUTCOMES else model_id
        return self.config.model(name)

    def retire(self, model_id: str) -> Model:
        """Remove a model and free its slots."""
        model = self.models.pop(model_id)
        self.waiting.discard(model_id)
        self.segments.forget(model_id)
        freed: dict[DetectorGroup, list[int]] = {}
        lookup = self._lookup(model.config)
        for series, slot in model.slots.items():
            if slot == UNWATCHED:
                continue
            of_segment = segment_of(series)
            if of_segment is not None:
                profile = lookup.segment_group(of_segment.tag, of_segment.series)
            else:
                names, category = model.layout.asked.get(series) or WatchKey((series,))
                profile = lookup.group(*names, category=category)
            if profile is not None:
                freed.setdefault(profile, []).append(slot)
                self.series -= is_counted(series)
        for profile, slots in freed.items():
            profile.release(*slots)
        if model.vectors:
            self.encoders.give_back(model.vectors.values())
        if model.joint is not None:
            self.joint.give_back(model.joint)
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
        self.series += model.watched
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
        groups = self.groups[layout]
        if model.slots or self.series + len(groups.blank) > self.capacity:
            self._begin(model, zip(layout.series, groups.by_column, strict=True))
        else:  # of a new model, which are hundreds of thousands when a deployment starts
            model.slots.update(groups.blank)
            self._acquire(model, groups.watched)
        for name in layout.lists:
            self._remember(model, name)

    def _begin(self, model: Model, series: Iterable[tuple[str, DetectorGroup | None]]) -> None:
        """Allocate slots for new series that have detectors."""
        slots, free = model.slots, self.capacity - self.series
        watched: dict[DetectorGroup, list[str]] = {}
        for name, group in series:
            if group is None or name in slots:
                continue
            slots[name] = UNWATCHED
            if free > 0 or not is_counted(name):
                free -= is_counted(name)
                watched.setdefault(group, []).append(name)
            else:
                self.refused += 1
                self.waiting.add(model.id)
        self._acquire(model, watched)

    def _acquire(self, model: Model, watched: Mapping[DetectorGroup, Sequence[str]]) -> None:
        """Allocate slots for series by detector group, and seed them with their reference."""
        slots = model.slots
        self.series += sum(map(len, watched.values()))
        if self.topic is Topic.OUTCOMES:  # where segments are series of the layout
            self.series -= sum(not is_counted(name) for names in watched.values() for name in names)
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
        groups, later = self.groups[before], self.groups[layout]
        of_segments = [name for name in model.slots if segment_of(name) is not None]
        for name in (*before.asked, *of_segments):
            slot, profile = model.slots.get(name), groups.of(name)
            if slot is None or profile is None or later.of(name) is profile:
                continue
            del model.slots[name]
            if slot != UNWATCHED:
                profile.release(slot)
                self.series -= is_counted(name)
            self.dropped.append((model.id, name))
        for name in set(before.lists) - set(layout.lists):
            if name in model.vectors:
                self.encoders.give_back([model.vectors.pop(name)])

    def _sweep(self, model: Model) -> None:
        """Delete the layout that a model left, if it is empty: growth must not leak layouts."""
        if not model.layout.rows:
            del self.layouts[model.layout.shape, id(model.config)], self.groups[model.layout]

    def _seed(self, values: Sequence[Cell], profile: DetectorGroup, slot: int) -> None:
        """Feed the reference values of a series to its detectors: categories or numbers."""
        if profile.categories:
            found = self.encoders.numbers([value for value in values if isinstance(value, str)])
        else:
            found = [value for value in values if isinstance(value, float)]
        if found:
            profile.seed(slot, np.array(found))

    def _layout(
        self, shape: EventSchema, config: ModelConfig, before: LayoutGroups | None = None
    ) -> Layout:
        """Return the layout of a schema, which has the series of `before` and more."""
        key = shape, id(config)
        layout = self.layouts.get(key)
        if layout is None:
            self.built += 1
            lookup = self._lookup(config)
            layout = self.layouts[key] = Layout(shape, self.topic)
            groups = dict(groups_of(shape, lookup, before))
            quality = quality_groups_of(shape, lookup, before)
            joint = lookup.group(JOINT) if shape.numbers else None
            asked = None if self.topic is Topic.OUTCOMES else config.segments
            tags = () if asked is None else asked.tags
            segments = segment_groups_of(shape, tags, lookup.segment_group)
            self.groups[layout] = LayoutGroups(layout, groups, quality, joint, segments)
        return layout

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
        """Make a profile of this partition; losses are judged against labels, not followed.

        Estimated errors are: they have the rhythm of the predictions that they come from.
        """
        estimates = all(spec.estimates for spec in specs)
        group = DetectorGroup(specs, follow=estimates or self.topic is not Topic.OUTCOMES)
        if self.level is not None:
            group.tune(self.level)
        return group
