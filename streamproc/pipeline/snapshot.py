"""A partition's state to bytes and back, to the last bit."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.alerting import incident_state
from streamproc.config.config import Config
from streamproc.decode.event_schema import EventSchema, WatchKey
from streamproc.decode.layout import UNWATCHED, Model
from streamproc.detect.series_registry import key_of, specs_of
from streamproc.pipeline.partition import PartitionMonitor
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
"""What the names of a profile's arrays begin with."""
EMBEDDER = "embedder: "
"""What the names of the embedder's arrays begin with."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot whose checksum, versions and lists were found right.

    Attributes
    ----------
    header
        All but the arrays.
    arrays
        Of each profile what its detectors know; `slots` (n, 4): model, name of the series,
        profile and slot; `births` (n, 3): model, name of the feature, events before it;
        `events` (models,): how many each has had; `last` (models,): offset of its last one;
        `recent:…` digests of the last events;
        `groups` (bytes,): the open incidents, each with its series, as JSON;
        `vectors` (n, 3): model, name of the embedding, its slot in the embedder, whose arrays
        are there too.
    """

    header: Header
    arrays: Arrays


def config_hash(config: Config) -> str:
    """Sixteen hex digits that are equal for configurations that watch in the same way.

    Examples
    --------
    >>> config_hash(Config()) == config_hash(Config(group="another"))
    True
    """
    said = config.model_dump_json(include={"models", "policy", "limits"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def encode(shard: PartitionMonitor, topic: str, partition: int, following: int) -> bytes:
    """Write the state of a partition: its sections, one behind the other."""
    return b"".join(encode_sections(shard, topic, partition, following))


def encode_sections(
    shard: PartitionMonitor, topic: str, partition: int, following: int
) -> list[Section]:
    """Write the state of a partition, in parts each of which grows at its end.

    Parameters
    ----------
    shard
        Not changed.
    topic, partition
        Whose state it is.
    following
        Offset after the last record that is in the state.

    Returns
    -------
    list of bytes-like
        Equal for equal states that came to be in the same way.
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
        told=tuple(sorted(catalogue.told)),
        texts=tuple(
            (number, catalogue.encoders.texts.name(number))
            for number in sorted(catalogue.categories())
        ),
        strays=tuple(shard.strays.rows()),
        forgotten=catalogue.forgotten,
        due=catalogue.idle.due,
    )
    lists: dict[str, tuple[Sequence[tuple[int, ...]], int]] = {
        "slots": (slots, 4),
        "births": (births, 3),
        "vectors": (vectors, 3),
    }
    counts = {"events": np.array(events, np.int64), "last": np.array(lasts, np.int64)}
    return sections(header, counts | _arrays(shard, lists))


def decode(data: bytes) -> Snapshot:
    """Read a snapshot, and refuse one that is not whole or does not fit together.

    Raises
    ------
    SnapshotError
        With what is wrong. What it says of detectors is checked when it is restored.
    """
    header, arrays = unpack(data)
    _check_list(arrays, "slots", (len(header.models), len(header.names), len(header.profiles)))
    _check_list(arrays, "births", (len(header.models), len(header.names)))
    _check_list(arrays, "vectors", (len(header.models), len(header.names)))
    events = arrays.get("events")
    if events is None:  # schema 2
        events = arrays["events"] = np.array([model.events for model in header.models], np.int64)
    last = arrays.setdefault("last", np.full(len(events), header.next - 1, np.int64))
    if last.dtype != np.int64 or last.shape != events.shape:
        raise SnapshotError("array 'last' is not a number for each model")
    if events.dtype != np.int64 or events.shape != (len(header.models),) or (events < 0).any():
        raise SnapshotError("array 'events' is not a number for each model")
    for model in header.models:
        if not 0 <= model.shape < len(header.shapes):
            raise SnapshotError(f"model {model.id!r} has shape {model.shape}, which is not there")
    used = np.array([profile.used for profile in header.profiles], np.int64)
    slots = arrays["slots"]
    if (slots[:, 3] < UNWATCHED).any() or (slots[:, 3] >= used[slots[:, 2]]).any():
        raise SnapshotError("array 'slots' names a slot that its profile does not have")
    return Snapshot(header, arrays)


class _Profiles:
    """Finds the place of a series' profile; asking the configuration each time would be slow."""

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
    for at, profile in enumerate(shard.catalogue.profiles.values()):
        prefix = PARTS.format(at)
        arrays[f"{prefix}open"] = profile.open[: profile.used]
        for name, array in profile.watch.state(profile.used).items():
            arrays[prefix + name] = array
    arrays |= shard.recent.state() | incident_state.state(shard.groups)
    return arrays if shard.truth is None else arrays | shard.truth.performance.state()


def _incidents(shard: PartitionMonitor) -> list[IncidentRecord]:
    return [
        IncidentRecord(
            model=model,
            series=series,
            id=incident.id,
            detector=incident.detector,
            before=(incident.before.n, incident.before.mean, incident.before.std),
            said=incident.said,
        )
        for (model, series), incident in shard.incidents.open.items()
    ]


def _shape(shape: EventSchema) -> ShapeRecord:
    others = tuple((name, kind.value) for name, kind in shape.others)
    return ShapeRecord(shape.numbers, others, shape.form.value, shape.classes)


def _check_list(arrays: Arrays, name: str, lengths: tuple[int, ...]) -> None:
    array = arrays.get(name)
    if array is None or array.dtype != np.int64 or array.shape[1:] != (len(lengths) + 1,):
        raise SnapshotError(f"array {name!r} is missing or no list of {len(lengths) + 1} numbers")
    places = array[:, : len(lengths)]
    if (places < 0).any() or (places >= np.array(lengths)).any():
        raise SnapshotError(f"array {name!r} names what is not in the header")
