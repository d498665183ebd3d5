"""Create updates and alerts with ids derived from their source record."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from streamproc.config.model import ModelConfig
from streamproc.detectors.series.change_points import Change, Moments
from streamproc.schemas.alerts import (
    AlertEvent,
    ChangePoint,
    Kind,
    Reason,
    Severity,
    Status,
    Summary,
)
from streamproc.schemas.base import Source
from streamproc.schemas.model_updates import ModelUpdate, Step
from streamproc.schemas.timestamps import EPOCH

ERROR = "metric:online_error"
FLOOR = "metric:online_floor"


@dataclass(frozen=True, slots=True)
class EventOrigin:
    """The source record; `ts` is event time in seconds, `position` its index in the slice."""

    topic: str
    partition: int
    offset: int
    ts: float
    position: int
    model_version: str | None = None

    @property
    def source(self) -> Source:
        """Its coordinates."""
        return Source(topic=self.topic, partition=self.partition, offset=self.offset)

    def time(self) -> datetime:
        """Its event time."""
        return EPOCH + timedelta(seconds=self.ts)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Reference to an online model: id, segment, configuration and its hash."""

    model_id: str
    segment: dict[str, str] | None
    config: ModelConfig
    settings: str

    @property
    def name(self) -> str:
        """The model as messages name it."""
        part = ", ".join(f"{key} {value}" for key, value in (self.segment or {}).items())
        return f"the online model of {self.model_id!r}{f' ({part})' if part else ''}"

    def identity(self, what: str, origin: EventOrigin) -> str:
        """Derive an id from the source record only."""
        parts = what, self.model_id, self.segment, self.settings
        where = origin.topic, origin.partition, origin.offset
        text = msgspec.json.encode((*parts, *where), order="deterministic")
        return hashlib.blake2b(text, digest_size=16).hexdigest()


def update(  # noqa: PLR0913 - one argument a fact
    ref: ModelRef,
    origin: EventOrigin,
    step: Step,
    *,
    version: int,
    serving: int,
    learned: int,
    model: list[Any],
    metrics: dict[str, float | None] | None = None,
    cause: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> ModelUpdate:
    """Create an update for a step of a model."""
    return ModelUpdate(
        update_id=ref.identity(f"{step}:{version}", origin),
        model_id=ref.model_id,
        segment=ref.segment,
        step=step,
        version=version,
        serving=serving,
        cause=cause,
        ts=origin.time(),
        learned=learned,
        metrics=metrics or {},
        model=model,
        parameters=parameters,
        source=origin.source,
    )


def alert(  # noqa: PLR0913 - one argument a fact
    ref: ModelRef,
    origin: EventOrigin,
    now: datetime,
    status: Status,
    kind: Kind,
    *,
    series: str,
    detector: str,
    message: str,
    incident: str | None = None,
    severity: Severity | None = None,
    statistic: float | None = None,
    threshold: float | None = None,
    change: Change | None = None,
    reason: Reason | None = None,
) -> AlertEvent:
    """Create an alert about a model."""
    identity = ref.identity(f"{series}:{detector}:{status}", origin)
    return AlertEvent(
        alert_id=identity,
        incident_id=incident or identity,
        status=status,
        reason=reason,
        model_id=ref.model_id,
        model_version=origin.model_version,
        kind=kind,
        series=series,
        segment=ref.segment,
        detector=detector,
        severity=severity or ref.config.severity,
        owner=ref.config.owner,
        message=message,
        ts=origin.time(),
        detected_at=now,
        change_point=_point(change),
        source=origin.source,
        statistic=statistic,
        threshold=threshold,
        before=_summary(change.before) if change else None,
        after=_summary(change.after) if change else None,
        runbook=ref.config.runbook,
    )


def _summary(moments: Moments) -> Summary:
    return Summary(n=moments.n, mean=moments.mean, std=moments.std)


def _point(change: Change | None) -> ChangePoint | None:
    if change is None or change.offset < 0:
        return None
    ts = EPOCH + timedelta(seconds=change.ts) if math.isfinite(change.ts) else None
    return ChangePoint(ts=ts, offset=change.offset)
