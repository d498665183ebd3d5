"""Run a few hundred events of each kind through all compiled code of a worker."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from streamproc.config.config import Config
from streamproc.config.detector_spec import DetectorSpec
from streamproc.config.load import load
from streamproc.monitor import LogRecord, Monitor
from streamproc.online.partition_models import PartitionModels
from streamproc.schemas.series import JOINT

_EVENTS: Final = 500
_SPARSE_NAMES: Final = 100
_TAG: Final = "tag"
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LEARNED: Final[dict[str, tuple[str, Callable[[int], object]]]] = {
    "binary": ("linear_model.LogisticRegression", lambda row: row % 2),
    "multiclass": ("linear_model.SoftmaxRegression", lambda row: "abc"[row % 3]),
    "regression": ("linear_model.LinearRegression", lambda row: row % 11 + 0.5),
}
"""Task → the last step of its model, and a function from row number to label."""


def watch(config: Config) -> None:
    """Process a change, missing values, texts, embeddings, labels, fast-path and sparse records.

    Parameters
    ----------
    config
        Configures the detectors to run, besides the defaults.
    """
    watching = _watching(config)
    monitor = Monitor(watching)
    for model in watching.models:
        monitor.process(_rich(model.id))
        monitor.process_records("features", 1, list(_plain(model.id)))
        monitor.process_records("features", 2, list(_sparse(model.id)))


def learn() -> None:
    """Let a linear model of each task and its challenger learn from labels."""
    online = {
        task: {"model": ["preprocessing.StandardScaler", step], "on_drift": "challenge"}
        for task, (step, _) in _LEARNED.items()
    }
    config = load(
        {"models": [{"id": task, "task": task, "online": spec} for task, spec in online.items()]}
    )
    monitor = Monitor(config)
    monitor.process(_labelled())
    outcomes = [
        LogRecord(offset, outcome.to_json(), 0, outcome.model_id.encode())
        for offset, outcome in enumerate(monitor.outcomes)
    ]
    PartitionModels(config, config.topics.full_name("outcomes"), 0).process(outcomes, _NOW)


def _watching(config: Config) -> Config:
    """Return a configuration in which every detector processes all values that it accepts."""
    usual = Config().model("any")
    found = [*usual.detectors("feature:x"), *usual.detectors("feature:x", category=True)]
    for model in config.models:
        found += [spec for entry in model.watch for spec in entry.detectors]
        if model.online is not None:
            found += [*model.online.detectors, *model.online.warning]
    specs = list({spec.hash: spec for spec in found}.values())
    values = [spec for spec in specs if not spec.of_errors]
    numbers = [spec for spec in values if not spec.of_categories]
    watch = [
        {"on": "error", "detectors": _dump(spec for spec in specs if not spec.of_categories)},
        {"on": "*", "detectors": _dump(values)},
    ]
    if any(entry.on == JOINT for model in config.models for entry in model.watch):
        watch.append({"on": JOINT, "detectors": _dump(numbers)})
    models: list[dict[str, Any]] = [{"id": "watched", "task": "binary", "watch": watch}]
    if any(model.rules for model in config.models):
        models[0]["rules"] = [
            {"name": "order", "on": "feature:x", "monotone": "increasing"},
            {"name": "range", "on": "feature:x", "range": {"min": 0}},
            {"name": "unique", "on": "feature:x", "unique": {}},
        ]
    if any(entry.whiten for model in config.models for entry in model.watch):
        whitened = [{"on": "*", "detectors": _dump(numbers), "whiten": True}]
        models.append({"id": "whitened", "task": "binary", "watch": whitened})
    if any(model.segments is not None for model in config.models):
        models.append({"id": "segmented", "watch": watch, "segments": {"tags": [_TAG]}})
    return load({"models": models})


def _dump(specs: Iterable[DetectorSpec]) -> list[Any]:
    return [spec.model_dump() for spec in specs]


def _rich(model: str) -> Iterator[dict[str, Any]]:
    for row in range(_EVENTS):
        known = {"model_id": model, "event_id": f"{model}-{row}", "ts": row}
        yield known | {
            "prediction": 0.5,
            "features": {
                "x": float(row % 7 + 100 * (row > _EVENTS // 2)),
                "y": row % 9 or None,
                "text": "ab"[row % 2],
                "list": [1.0, float(row % 5)],
            },
        }
        yield known | {"label": row % 2}


def _plain(model: str) -> Iterator[LogRecord]:
    for row in range(_EVENTS):
        features = {"x": row % 7 / 3, "y": row % 9 or None}
        known = {"model_id": model, "event_id": f"{row}", "ts": row}
        event: dict[str, Any] = known | {"tags": {_TAG: "ab"[row % 2]}, "features": features}
        yield LogRecord(row, msgspec.json.encode(event), row, model.encode())


def _sparse(model: str) -> Iterator[LogRecord]:
    for row in range(_EVENTS):
        features = {f"x{row % _SPARSE_NAMES}": row % 7 / 3}
        tags = {_TAG: "ab"[row % 2]}
        event = {"model_id": model, "ts": row, "tags": tags, "features": features}
        yield LogRecord(row, msgspec.json.encode(event), row, model.encode())


def _labelled() -> Iterator[dict[str, Any]]:
    for row in range(_EVENTS):
        for task, (_, label) in _LEARNED.items():
            known = {"model_id": task, "event_id": f"{task}-{row}", "ts": row}
            yield known | {"features": {"a": row % 13 / 13, "b": row % 5 / 5}, "prediction": 1}
            yield known | {"label": label(row)}
