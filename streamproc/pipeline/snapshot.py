"""Encode the state of a partition as a snapshot, and decode it, to the last bit."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.alerting import incident_state
from streamproc.alerting.incident_record import encode_incident
from streamproc.config.config import Config
from streamproc.decode.event_schema import EventSchema, WatchKey
from streamproc.decode.layout import UNWATCHED, Model
from streamproc.decode.sparse_features import BLOCK, NOT_BEGUN
from streamproc.detect.group_lookup import key_of, specs_of
from streamproc.pipeline import rule_state
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.series import JOINT
from streamproc.state.snapshot_format import (
    Arrays,
    Header,
    IncidentRecord,
    ModelRecord,
    ProfileRecord,
    Section,
    ShapeRecord,
    SnapshotError,
    sections,
    unpack,
    versions,
)

__all__ = ["Snapshot", "SnapshotError", "config_hash", "decode", "encode", "encode_sections"]

PARTS = "profile {}: "
"""Prefix of the names of a detector group's arrays."""
EMBEDDER = "embedder: "
"""Prefix of the names of the embedder's arrays."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A decoded snapshot with a valid checksum, schema and index arrays.

    Attributes
    ----------
    header
        Everything but the arrays.
    arrays
        `profile <i>: …`: state of the detectors of group i, a row for each slot.
        `slots` (n, 4): model, series name, detector group, slot.
        `births` (n, 3): model, feature name, events before it.
        `events` (models,): number of events. `last` (models,): offset of the last event.
        `recent:…`: digests of the last events.
        `groups` (bytes,): open incidents with their series, as JSON.
        `vectors` (n, 3): model, name of the embedding, slot in the embedder.
        `joint` (n, 3): model, name of a feature that is watched with others, their slot; in order.
        Of a model without any there is one row, with the slot -1.
        `joint <k>: …`: state of the models with k of them.
        `sparse` (n, 3): model, name of a sparse feature, events with it in the current block.
        `embedder: …`: state of the embedder.
        `segments` (bytes,): values of the tags that models are watched by, as JSON.
        `arrivals: …`: when events of the models arrive.
        `blind` (bytes,): series of models that cannot be watched, as JSON.
        `versions` (bytes,): versions of models that events have shown, as JSON.
        `rules: …`: counts, open incidents and last values of the rules of models; absent without.
        `budget` (bytes,): numbers of values and chosen run lengths, as JSON; absent without one.
    """

    header: Header
    arrays: Arrays


def config_hash(config: Config) -> str:
    """Return 16 hex digits of the configuration that detection depends on.

    Examples
    --------
    >>> config_hash(Config()) == config_hash(Config(group="another"))
    True
    """
    fields = {"models", "policy", "limits"} | ({"budget"} if config.budget else set())
    text = config.model_dump_json(include=fields)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def encode(shard: PartitionMonitor, topic: str, partition: int, following: int) -> bytes:
    """Encode the state of a partition: its sections, concatenated."""
    return b"".join(encode_sections(shard, topic, partition, following))


def encode_sections(
    shard: PartitionMonitor, topic: str, partition: int, following: int
) -> list[Section]:
    """Encode the state of a partition in sections, each of which grows at its end.

    Parameters
    ----------
    shard
        The partition's monitor; it is not changed.
    topic, partition
        Its coordinates.
    following
        Offset after the last record in the state.

    Returns
    -------
    list of bytes-like
        Equal for equal states with equal histories.
    """
    catalogue = shard.catalogue
    names: dict[str, int] = {}
    shapes: dict[EventSchema, int] = {}
    profiles = _Profiles(shard)
    models: list[ModelRecord] = []
    events: list[int] = []
    lasts: list[int] = []
    slots: list[tuple[int, int, int, int]] = []
    births: list[tuple[int, int, int]] = []
    vectors: list[tuple[int, int, int]] = []
    joint: list[tuple[int, int, int]] = []
    sparse: list[tuple[int, int, int]] = []
    for at, model in enumerate(catalogue.models.values()):
        layout = model.layout
        shape = shapes.setdefault(layout.shape, len(shapes))
        models.append(ModelRecord(model.id, shape))
        events.append(int(layout.events[model.row]))
        lasts.append(int(layout.last[model.row]))
        for name, slot in model.slots.items():
            profile = profiles.of(model, name)
            slots.append((at, names.setdefault(name, len(names)), profile, slot))
        births += [
            (at, names.setdefault(name, len(names)), birth) for name, birth in model.births.items()
        ]
        vectors += [
            (at, names.setdefault(name, len(names)), slot) for name, slot in model.vectors.items()
        ]
        if model.joint is not None:
            joint += [
                (at, names.setdefault(name, len(names)), model.joint.slot)
                for name in model.joint.names or (JOINT,)
            ]
        sparse += [
            (at, names.setdefault(name, len(names)), count)
            for name, count in zip(model.sparse.names, model.sparse.counts.tolist(), strict=True)
        ]
    header = Header(
        topic=topic,
        partition=partition,
        next=following,
        versions=versions(),
        config=config_hash(catalogue.config),
        names=tuple(names),
        shapes=tuple(map(_shape, shapes)),
        models=tuple(models),
        profiles=tuple(
            ProfileRecord(key, profile.used) for key, profile in catalogue.profiles.items()
        ),
        incidents=tuple(_incidents(shard)),
        refused=catalogue.refused,
        limits_reported=tuple(sorted(catalogue.limits_reported)),
        texts=tuple(
            (number, catalogue.encoders.texts.name(number))
            for number in sorted(catalogue.categories())
        ),
        strays=tuple(shard.strays.rows()),
        numeric_texts=tuple(shard.numeric_texts.rows()),
        forgotten=catalogue.forgotten,
        due=catalogue.idle.due,
    )
    lists: dict[str, tuple[Sequence[tuple[int, ...]], int]] = {
        "slots": (slots, 4),
        "births": (births, 3),
        "vectors": (vectors, 3),
        "joint": (joint, 3),
        "sparse": (sparse, 3),
    }
    counts = {"events": np.array(events, np.int64), "last": np.array(lasts, np.int64)}
    return sections(header, counts | _arrays(shard, lists))


def decode(data: bytes) -> Snapshot:
    """Decode and validate a snapshot.

    Raises
    ------
    SnapshotError
        If it is incomplete or inconsistent. `restore` validates the state of detectors.
    """
    header, arrays = unpack(data)
    _check_list(arrays, "slots", (len(header.models), len(header.names), len(header.profiles)))
    _check_list(arrays, "births", (len(header.models), len(header.names)))
    _check_list(arrays, "vectors", (len(header.models), len(header.names)))
    for name in ("sparse", "joint"):
        arrays.setdefault(name, np.empty((0, 3), np.int64))  # a version without it
        _check_list(arrays, name, (len(header.models), len(header.names)))
    if not ((arrays["sparse"][:, 2] >= NOT_BEGUN) & (arrays["sparse"][:, 2] < BLOCK)).all():
        raise SnapshotError(f"array 'sparse' has a count outside of {NOT_BEGUN} to {BLOCK - 1}")
    events = arrays.get("events")
    if events is None:  # schema 2
        events = arrays["events"] = np.array([model.events for model in header.models], np.int64)
    last = arrays.setdefault("last", np.full(len(events), header.next - 1, np.int64))
    if last.dtype != np.int64 or last.shape != events.shape:
        raise SnapshotError("array 'last' is not one int64 per model")
    if events.dtype != np.int64 or events.shape != (len(header.models),) or (events < 0).any():
        raise SnapshotError("array 'events' is not one non-negative int64 per model")
    for model in header.models:
        if not 0 <= model.shape < len(header.shapes):
            raise SnapshotError(f"model {model.id!r} has shape {model.shape}, which does not exist")
    used = np.array([profile.used for profile in header.profiles], np.int64)
    slots = arrays["slots"]
    if (slots[:, 3] < UNWATCHED).any() or (slots[:, 3] >= used[slots[:, 2]]).any():
        raise SnapshotError("array 'slots' names a slot that its detector group does not have")
    return Snapshot(header, arrays)


class _Profiles:
    """Look up the detector group of a series; cached, since configuration lookup is slow."""

    def __init__(self, shard: PartitionMonitor) -> None:
        self._places = {key: at for at, key in enumerate(shard.catalogue.profiles)}
        self._known: dict[tuple[int, str, WatchKey | None], int] = {}

    def of(self, model: Model, name: str) -> int:
        asked = id(model.config), name, model.layout.asked.get(name)
        known = self._known.get(asked)
        if known is None:
            specs = specs_of(model.config, model.layout.shape, name)
            known = self._known[asked] = self._places[key_of(specs)]
        return known


def _arrays(
    shard: PartitionMonitor, lists: Mapping[str, tuple[Sequence[tuple[int, ...]], int]]
) -> Arrays:
    arrays: Arrays = {
        name: np.array(rows, np.int64).reshape(-1, width) for name, (rows, width) in lists.items()
    }
    encoders = shard.catalogue.encoders
    for name, array in encoders.vectors.state().items():
        arrays[EMBEDDER + name] = array[: encoders.used]
    arrays |= shard.catalogue.joint.state()
    arrays |= shard.catalogue.segments.state(shard.catalogue.models)
    for at, profile in enumerate(shard.catalogue.profiles.values()):
        prefix = PARTS.format(at)
        arrays[f"{prefix}open"] = profile.open[: profile.used]
        for name, array in profile.watch.state(profile.used).items():
            arrays[prefix + name] = array
    arrays |= shard.recent.state() | incident_state.state(shard.groups) | shard.arrivals.state()
    arrays |= shard.milestones.state() | shard.versions.state() | shard.unreadable.state()
    arrays |= rule_state.state(shard.rules, list(shard.catalogue.models.values()))
    arrays |= {} if shard.budget is None else shard.budget.arrays()
    return arrays if shard.truth is None else arrays | shard.truth.performance.state()


def _incidents(shard: PartitionMonitor) -> list[IncidentRecord]:
    return [
        encode_incident(key, incident, pending=pending)
        for pending, incidents in ((False, shard.incidents.open), (True, shard.incidents.pending))
        for key, incident in incidents.items()
    ]


def _shape(shape: EventSchema) -> ShapeRecord:
    others = tuple((name, kind.value) for name, kind in shape.others)
    return ShapeRecord(shape.numbers, others, shape.form.value, shape.classes)


def _check_list(arrays: Arrays, name: str, lengths: tuple[int, ...]) -> None:
    array = arrays.get(name)
    if array is None or array.dtype != np.int64 or array.shape[1:] != (len(lengths) + 1,):
        raise SnapshotError(f"array {name!r} is missing or not int64 (n, {len(lengths) + 1})")
    places = array[:, : len(lengths)]
    if (places < 0).any() or (places >= np.array(lengths)).any():
        raise SnapshotError(f"array {name!r} has an index that is not in the header")
