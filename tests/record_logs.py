"""Logs to feed a shard with, and the state that it ends in."""

import itertools
import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from streamproc.alerting import incident_state
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.decode.layout import JointSlot, Model
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.records import Record, SliceResult

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def record(offset: int, value: Any, **fields: Any) -> LogRecord:
    """Make a record of an event, or of bytes as they are."""
    body = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    key = value["model_id"].encode() if isinstance(value, dict) and "model_id" in value else None
    return LogRecord(
        offset=offset, value=body, **({"timestamp": 1000 * offset, "key": key} | fields)
    )


def shard(config: Any = None, kind: Topic = Topic.PREDICTIONS) -> PartitionMonitor:
    """Make an empty shard of partition 0."""
    settings = config if isinstance(config, Config) else load(config)
    return PartitionMonitor(kind, kind.value, 0, settings)


def run(
    target: PartitionMonitor, records: Sequence[Record], cuts: Iterable[int] = ()
) -> SliceResult:
    """Feed a log in slices that end before each of `cuts`; return what came of all of them."""
    whole = SliceResult()
    edges = [0, *sorted(cuts), len(records)]
    for start, stop in itertools.pairwise(edges):
        part = target.process(records[start:stop], NOW)
        whole.events += part.events
        whole.alerts += part.alerts
        whole.positions += [start + position for position in part.positions]
        whole.dead_letters += part.dead_letters
        whole.versions += part.versions
    return whole


def state(target: PartitionMonitor) -> dict[str, Any]:
    """Describe all state by series: slot numbers are an accident of the order of allocation."""
    found: dict[str, Any] = {}
    states: dict[int, dict[str, np.ndarray]] = {}
    for model in target.catalogue.models.values():
        layout = model.layout
        found[model.id] = int(layout.events[model.row]), layout.shape, dict(model.births)
        groups = target.catalogue.groups[layout]
        names = [*layout.series, *(f"quality:{name}" for name in layout.named), "features"]
        profiles = [*groups.by_column, *groups.quality, groups.joint]
        for name, profile in zip(names, profiles, strict=True):
            slot = model.slots.get(name, -1)
            if profile is not None and slot >= 0:
                if id(profile) not in states:
                    states[id(profile)] = profile.watch.state()
                found[f"{model.id}/{name}"] = _of_slot(states[id(profile)], slot)
        if groups.segments:
            found[f"{model.id} segments"] = _segments(target, model)
        found[f"{model.id} sparse"] = dict(
            zip(model.sparse.names, model.sparse.counts.tolist(), strict=True)
        )
        if model.joint is not None:
            found[f"{model.id} together"] = model.joint.names, _of_joint(target, model.joint)
        vectors = target.catalogue.encoders.vectors.state()
        for name, slot in model.vectors.items():
            found[f"{model.id}/{name} remembered"] = _row(vectors, slot)
    texts = target.catalogue.encoders.texts
    found["texts"] = {key: texts.name(key) for key in target.catalogue.categories()}
    found["open"] = {
        key: (i.id, i.last_reported, i.settled) for key, i in target.incidents.open.items()
    }
    found["groups"] = incident_state.state(target.groups)["groups"].tobytes()
    found["arrivals"] = _arrivals(target)
    found["blind"] = dict(target.milestones.open)
    found["rules"] = _rules(target)
    budget = target.budget
    found["budget"] = None if budget is None else budget.arrays()["budget"].tobytes()
    found["strays"] = sorted(target.strays.rows())
    found["numeric texts"] = sorted(target.numeric_texts.rows())
    found["reported"] = sorted(target.catalogue.limits_reported)
    found["recent"] = {name: known.tobytes() for name, known in target.recent.state().items()}
    return found


def _segments(target: PartitionMonitor, model: Model) -> dict[str, Any]:
    groups = target.catalogue.groups[model.layout]
    values = target.catalogue.segments.of(model).values
    found: dict[str, Any] = {tag: of.state() for tag, of in values.items()}
    for name, slot in model.slots.items():
        group = groups.of(name) if name.startswith("segment:") else None
        if group is not None:
            found[name] = _of_slot(group.watch.state(), slot)
    return found


def _arrivals(target: PartitionMonitor) -> dict[str, Any]:
    models = list(target.catalogue.models.values())
    state = target.arrivals.arrivals.state(models)
    names = [models[place].id for place in state.pop("models")]
    clock = state.pop("clock").tobytes()
    rows = {name: _row(state, at) for at, name in enumerate(names)}
    return {"rows": rows, "clock": clock, "open": dict(target.arrivals.open)}


def _rules(target: PartitionMonitor) -> dict[str, Any]:
    found: dict[str, Any] = {"violations": dict(target.rules.violations)}
    for model in target.catalogue.models.values():
        table = target.rules.table(model.config)
        slot = table.slots.get(model.id)
        if slot is not None:
            found[model.id] = table.counts[slot].tobytes(), table.times[slot].tobytes()
    return found


def _of_slot(arrays: dict[str, np.ndarray], slot: int) -> dict[str, bytes]:
    if "standardiser.filled" not in arrays:
        return _row(arrays, slot)
    filled = arrays["standardiser.filled"]
    row = {
        name: array[slot].tobytes()
        for name, array in arrays.items()
        if len(array) == len(filled)
        and name != "standardiser.waiting"
        and not name.startswith("follow.rhythm.")
    }
    if arrays.get("follow.gross.retained", np.zeros(len(filled), bool))[slot]:
        place = int(arrays["follow.gross.retained"][:slot].sum())
        row |= {
            name: array[place].tobytes()
            for name, array in arrays.items()
            if name.startswith("follow.rhythm.")
        }
    waiting = arrays["standardiser.waiting"]
    ends = np.cumsum(-(-filled // waiting.shape[1]))  # pieces of each slot, one slot after another
    begin = ends[slot - 1] if slot else 0
    row["waiting"] = waiting[begin : ends[slot]].tobytes()
    return row


def _of_joint(target: PartitionMonitor, joint: JointSlot) -> dict[str, bytes]:
    count = len(joint.names)
    if not count:
        return {}
    arrays = target.catalogue.joint.banks[count].state()
    own = {name: array for name, array in arrays.items() if not name.startswith("units.")}
    units = {
        name.replace("units.", "standardiser."): array
        for name, array in arrays.items()
        if name.startswith("units.")
    }
    found = _row(own, joint.slot)
    for feature in range(count):
        of_feature = _of_slot(units, joint.slot * count + feature)
        found |= {f"{name} {feature}": value for name, value in of_feature.items()}
    return found


def _row(arrays: dict[str, np.ndarray], slot: int) -> dict[str, bytes]:
    return {name: array[slot].tobytes() for name, array in arrays.items()}


def noise(
    count: int,
    seed: int,
    shift_at: int | None = None,
    back_at: int | None = None,
    **change: float,
) -> list[dict[str, Any]]:
    """Draw prediction events of one model with three features; some change, maybe for a time."""
    draw = random.Random(seed)
    events = []
    for index in range(count):
        features = {"a": draw.gauss(10, 2), "b": draw.expovariate(1.0), "c": draw.random() < 0.3}
        if shift_at is not None and shift_at <= index < (back_at or count):
            features |= {name: features[name] + by for name, by in change.items()}
        events.append(
            {
                "model_id": "m",
                "ts": 1.7e9 + index,
                "features": features,
                "prediction": draw.random(),
            }
        )
    return events
