"""Restore the state of a partition from a snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from streamproc.alerting import incident_state
from streamproc.alerting.incident_record import decode_incident
from streamproc.config.config import Config
from streamproc.config.detector_spec import DetectorSpec, labelled
from streamproc.config.model import ModelConfig
from streamproc.decode.deduplication import ARRAYS
from streamproc.decode.event_schema import EventSchema, FeatureType, PredictionForm, Topic, WatchKey
from streamproc.decode.layout import UNWATCHED, JointSlot
from streamproc.decode.vocabulary import Vocabulary
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.group_lookup import key_of, specs_of
from streamproc.detectors.errors import DetectorError, StateError
from streamproc.detectors.series.warm_up_test import WARM_UP_TEST
from streamproc.detectors.series_monitor import FINDER
from streamproc.pipeline import budget_watch, rule_state
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.snapshot import EMBEDDER, PARTS, Snapshot
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import JOINT
from streamproc.state.snapshot_format import (
    ProfileRecord,
    ShapeRecord,
    SnapshotError,
    same_river,
    versions,
)

Series = tuple[str, str]  # model id and series name


@dataclass(frozen=True, slots=True)
class Restored:
    """The restored state of a partition.

    Attributes
    ----------
    shard
        The partition's monitor; it continues at `next`.
    next
        Offset of the first record that is not in the state.
    reset
        (model, series) that were reset, because their detectors are configured differently or
        cannot read the state that another version of River or streamproc wrote.
    """

    shard: PartitionMonitor
    next: int
    reset: tuple[Series, ...]


def restore(
    snapshot: Snapshot,
    kind: Topic,
    topic: str,
    partition: int,
    config: Config,
    capacity: int | None = None,
) -> Restored:
    """Restore a partition from a snapshot.

    A series with unchanged detectors keeps its state to the last bit. Others are reset, and their
    open incidents are dropped. Severity, owner and runbook of models, the policy and the limits are
    those of `config`.

    Parameters
    ----------
    snapshot
        The decoded snapshot.
    kind, topic, partition
        The partition to restore.
    config
        The current configuration.
    capacity
        Maximum number of watched series; None for all of `limits.max_series`.

    Raises
    ------
    SnapshotError
        If the snapshot is of another partition, or its arrays do not fit its detectors.
    """
    header = snapshot.header
    if (header.topic, header.partition) != (topic, partition):
        raise SnapshotError(
            f"the snapshot is of {header.topic}-{header.partition}, not of {topic}-{partition}"
        )
    try:
        return _Restorer(snapshot, PartitionMonitor(kind, topic, partition, config, capacity)).run()
    except (ValueError, OverflowError, DetectorError) as error:
        raise SnapshotError(
            f"inconsistent snapshot of {topic}-{partition} at offset {header.next}: {error}"
        ) from error


class _Restorer:
    def __init__(self, snapshot: Snapshot, shard: PartitionMonitor) -> None:
        self._header, self._arrays = snapshot.header, snapshot.arrays
        self._shard = shard
        self._catalogue = shard.catalogue
        self._config = shard.catalogue.config
        self._profiles: dict[int, DetectorGroup] = {}
        self._unread: set[int] = set()
        self._specs: dict[tuple[int, str, WatchKey | None], tuple[DetectorSpec, ...]] = {}
        self._asked: dict[EventSchema, dict[str, WatchKey]] = {}
        self._open: dict[Series, set[str]] = {}  # detectors of each series with an open incident
        self._slot: dict[Series, tuple[DetectorGroup, int]] = {}  # of those
        self._reset: list[Series] = []

    def run(self) -> Restored:
        self._shapes = [_shape(record) for record in self._header.shapes]
        self._segments()
        budget = budget_watch.read(self._arrays)
        self._catalogue.level = None if budget is None else budget.level
        slots = self._slots()
        births, vectors = self._by_model("births"), self._by_model("vectors")
        sparse, joint = self._by_model("sparse"), self._joint(slots)
        self._encoders()
        events, lasts = self._arrays["events"].tolist(), self._arrays["last"].tolist()
        for at, record in enumerate(self._header.models):
            shape = self._shapes[record.shape]
            parts = slots[at], births[at], vectors[at]
            self._catalogue.restore(record.id, shape, events[at], *parts, lasts[at], sparse[at])
            self._catalogue.models[record.id].joint = joint.get(at)
        self._catalogue.refused += self._header.refused
        self._catalogue.limits_reported |= set(self._header.limits_reported)
        self._catalogue.forgotten = self._header.forgotten
        self._catalogue.idle.due = self._header.due
        self._incidents()
        none = np.empty(0, np.uint64)  # of a version without deduplication
        self._shard.recent.load(*(self._arrays.get(name, none) for name in ARRAYS))
        self._shard.strays.load(self._header.strays)
        self._shard.numeric_texts.load(self._header.numeric_texts)
        truth = self._shard.truth
        earlier = [] if truth is None else truth.performance.load(self._arrays)
        rules, models = self._shard.rules, list(self._catalogue.models.values())
        rule_state.load(rules, self._arrays, models)
        incidents: dict[Series, incident_state.OpenIncident] = {**self._shard.incidents.open}
        incidents |= rules.open()
        incident_state.load(self._shard.groups, self._arrays, earlier, incidents)
        self._shard.arrivals.load(self._arrays)
        self._shard.milestones.load(self._arrays)
        self._shard.versions.load(self._arrays)
        self._shard.unreadable.load(self._arrays)
        if self._shard.budget is None:
            budget_watch.untune(self._catalogue)
        elif budget is not None:
            self._shard.budget.load(budget)
        return Restored(self._shard, self._header.next, tuple(self._reset))

    def _slots(self) -> list[dict[str, int]]:
        """Return the slots by series of each model, without those of series to reset."""
        models, names, profiles = self._header.models, self._header.names, self._header.profiles
        configs = [self._catalogue.configured(model.id) for model in models]
        found: list[dict[str, int]] = [{} for _ in models]
        for at, name_at, profile_at, slot in self._arrays["slots"].tolist():
            name = names[name_at]
            shape = self._shapes[models[at].shape]
            specs = self._specs_of(configs[at], shape, name)
            # Segments of estimated errors are series of their model's schema.
            of_segment = None if shape.form is PredictionForm.LOSSES else segment_of(name)
            ended = of_segment is not None and not self._catalogue.segments.watches(
                models[at].id, of_segment
            )
            if (
                ended
                or key_of(specs) != profiles[profile_at].key
                or not self._usable(profile_at, specs)
            ):
                self._reset.append((models[at].id, name))
                continue
            found[at][name] = slot
            if slot != UNWATCHED and self._profiles[profile_at].open[slot]:
                self._open[models[at].id, name] = set(labelled(specs))
                self._slot[models[at].id, name] = self._profiles[profile_at], slot
        self._release_unused(found)
        return found

    def _segments(self) -> None:
        """Restore the values of tags that models are still watched by."""
        configs = {
            model.id: self._catalogue.configured(model.id).segments for model in self._header.models
        }
        largest = {
            model: dict.fromkeys(found.tags, found.largest)
            for model, found in configs.items()
            if found is not None
        }
        self._catalogue.segments.load(self._arrays, largest)

    def _usable(self, at: int, specs: tuple[DetectorSpec, ...]) -> bool:
        """Load a detector group; return False if another version's state cannot be read."""
        if at not in self._profiles and at not in self._unread:
            written = self._header.versions
            if any(spec.of_river for spec in specs) and not same_river(written):
                self._unread.add(at)
                return False
            try:
                self._load(at, self._header.profiles[at], specs)
            except StateError:
                if written.get("streamproc") == versions()["streamproc"]:
                    raise
                self._unread.add(at)
        return at in self._profiles

    def _release_unused(self, found: list[dict[str, int]]) -> None:
        """Release the slots of series that are reset."""
        taken: dict[int, set[int]] = {at: set() for at in self._profiles}
        for at, name_at, profile_at, slot in self._arrays["slots"].tolist():
            if found[at].get(self._header.names[name_at]) == slot and profile_at in taken:
                taken[profile_at].add(slot)
        for at, profile in self._profiles.items():
            for slot in sorted(set(range(profile.used)) - taken[at], reverse=True):
                profile.release(slot)

    def _specs_of(
        self, config: ModelConfig, shape: EventSchema, name: str
    ) -> tuple[DetectorSpec, ...]:
        if shape not in self._asked:
            self._asked[shape] = shape.asked()
        asked = id(config), name, self._asked[shape].get(name)
        if asked not in self._specs:
            self._specs[asked] = specs_of(config, shape, name)
        return self._specs[asked]

    def _load(self, at: int, record: ProfileRecord, specs: tuple[DetectorSpec, ...]) -> None:
        prefix = PARTS.format(at)
        state = {
            name.removeprefix(prefix): array
            for name, array in self._arrays.items()
            if name.startswith(prefix)
        }
        opened = state.pop("open", None)
        profile = self._catalogue.profile(specs)
        profile.watch.load(state)
        if opened is None or opened.dtype != bool or opened.shape != (profile.watch.size,):
            raise SnapshotError(f"array '{prefix}open' is missing or has a wrong dtype or shape")
        if record.used != profile.watch.size:
            raise SnapshotError(
                f"detector group {at} has {profile.watch.size} slots, not {record.used}"
            )
        profile.open, profile.used = opened.copy(), record.used
        profile.grow()
        self._profiles[at] = self._catalogue.profiles[record.key] = profile

    def _by_model(self, name: str) -> list[dict[str, int]]:
        found: list[dict[str, int]] = [{} for _ in self._header.models]
        for at, name_at, number in self._arrays[name].tolist():
            found[at][self._header.names[name_at]] = number
        return found

    def _joint(self, slots: list[dict[str, int]]) -> dict[int, JointSlot]:
        """Restore the features that are watched together, of models whose series goes on."""
        names, of = self._header.names, dict[int, list[tuple[str, int]]]()
        for at, name_at, slot in self._arrays["joint"].tolist():
            of.setdefault(at, []).append((names[name_at], slot))
        found: dict[int, JointSlot] = {}
        for at, rows in of.items():
            slot = rows[0][1]
            if slot == UNWATCHED:
                config = self._catalogue.configured(self._header.models[at].id)
                if config.detectors(JOINT):
                    found[at] = JointSlot((), UNWATCHED)
            elif JOINT in slots[at]:
                found[at] = JointSlot(tuple(name for name, _ in rows), slot)
        without = [at for at, of_model in enumerate(slots) if JOINT in of_model and at not in found]
        if without:
            model = self._header.models[without[0]].id
            raise SnapshotError(f"array 'joint' has no features of model {model!r}")
        used = [joint for joint in found.values() if joint.names]
        self._catalogue.joint.load(self._arrays, used)
        return found

    def _encoders(self) -> None:
        """Restore the names of categories and the state of embeddings."""
        encoders = self._catalogue.encoders
        encoders.texts = Vocabulary(self._header.texts)
        self._shard.incidents.texts = encoders.texts
        unnamed = self._catalogue.categories() - {number for number, _ in self._header.texts}
        if unnamed:
            raise SnapshotError(f"{len(unnamed)} categories have no name")
        state = {
            name.removeprefix(EMBEDDER): array
            for name, array in self._arrays.items()
            if name.startswith(EMBEDDER)
        }
        encoders.vectors.load(state)
        encoders.used = encoders.vectors.size
        slots = self._arrays["vectors"][:, 2]
        if ((slots < 0) | (slots >= encoders.used)).any():
            raise SnapshotError("array 'vectors' names a slot that the embedder does not have")
        encoders.spare = sorted(set(range(encoders.used)) - set(slots.tolist()), reverse=True)

    def _incidents(self) -> None:
        reset = set(self._reset)
        for record in self._header.incidents:
            if (record.model, record.series) in reset:
                continue
            watching = self._open.get((record.model, record.series), {record.detector})
            if record.detector not in watching | {FINDER, WARM_UP_TEST}:
                raise SnapshotError(
                    f"incident {record.id} of series {record.series!r} is of detector"
                    f" {record.detector!r}, which does not watch it"
                )
            incidents, key = self._shard.incidents, (record.model, record.series)
            incident = decode_incident(record)
            if record.pending:
                incidents.pending[key] = incident
                continue
            incidents.open[key] = incident
            if key in self._slot:
                profile, slot = self._slot[key]
                check = incident.next_check(incidents.quiet_values)
                profile.mark(slot, incidents.due(key), check)
        _check_open(set(self._open), self._shard.incidents.open)


def _check_open(flagged: set[Series], described: Iterable[Series]) -> None:
    odd = flagged ^ set(described)
    if odd:
        raise SnapshotError(f"inconsistent incident state for {min(odd)}")


def _shape(record: ShapeRecord) -> EventSchema:
    others = tuple((name, FeatureType(kind)) for name, kind in record.others)
    return EventSchema(record.numbers, others, PredictionForm(record.form), record.classes)
