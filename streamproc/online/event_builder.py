"""Build the updates and alerts of an online model."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from streamproc.config.config import Policy
from streamproc.detectors.series.change_points import Change, Moments
from streamproc.detectors.series_monitor import Alarm
from streamproc.online import event_ids
from streamproc.online.classes import Classes
from streamproc.online.drift_incident import DriftIncident
from streamproc.online.event_batch import PendingOutcome
from streamproc.online.parameters import plain
from streamproc.online.prediction import ModelPrediction
from streamproc.online.scored_version import ScoredVersion
from streamproc.schemas.alerts import AlertEvent, Reason, Status
from streamproc.schemas.model_updates import ModelUpdate, Step
from streamproc.schemas.series import Task


class Obeyed(NamedTuple):
    """A command processed by its model; `ignored` is the reason if it had no effect."""

    id: str
    verb: str
    model_id: str
    ignored: str | None


@dataclass(slots=True)
class SliceEvents:
    """Results of a slice, each with its position in the slice.

    `now` is the `detected_at` of alerts; `answers` has one element per record.
    """

    now: datetime
    answers: list[ModelPrediction | None] = field(default_factory=list)
    updates: list[tuple[int, ModelUpdate]] = field(default_factory=list)
    alerts: list[tuple[int, AlertEvent]] = field(default_factory=list)
    commands: list[Obeyed] = field(default_factory=list)


class ReportingModel(Protocol):
    """The part of an online model that updates and alerts are built from."""

    ref: event_ids.ModelRef
    task: Task
    classes: Classes
    policy: Policy
    champion: ScoredVersion
    incident: DriftIncident | None
    drift: str | None
    below_floor: str | None
    untold: list[Any] | None

    @property
    def players(self) -> list[ScoredVersion]:
        """All versions that predict and learn."""
        ...


class UpdateBuilder:
    """Builds the updates and alerts of one model and appends them to the slice's results."""

    def __init__(self, learner: ReportingModel, events: SliceEvents, log: tuple[str, int]) -> None:
        self._learner, self._events, self._log = learner, events, log

    def step(self, step: Step, who: ScoredVersion, op: PendingOutcome, cause: str | None) -> None:
        """Add an update for a step of a version."""
        learner = self._learner
        update = stepped(learner, op.origin(self._log), step, who, cause)
        self._events.updates.append((op.position, update))
        if who.version == learner.champion.version:
            learner.untold = None

    def failed(self, version: int, op: PendingOutcome, how: str) -> None:
        """Add an alert and an update for a version that failed and was restored."""
        learner = self._learner
        who = next(each for each in learner.players if each.version == version)
        alert = self._alert(
            op,
            "firing",
            "system",
            series=event_ids.ERROR,
            detector="online",
            severity="critical",
            message=f"version {version} of {learner.ref.name} failed: {how}; restored to its state"
            f" after {who.contestant.learned} labels"
            + ("" if who.contestant.learns else "; it no longer learns"),
        )
        self.step("failed", who, op, alert)

    def drift(self, alarm: Alarm, risen: Change, op: PendingOutcome) -> None:
        """Add an alert for an increased error, at most one per `policy.update_interval`."""
        learner = self._learner
        incident, status = learner.incident, "firing"
        if incident is not None and incident.settled_at is not None:
            self._end(op, incident, "superseded", "has risen again: another incident goes on")
            incident = None
        elif incident is not None:
            status = "updated"
            incident.disturb(op.ts)
            if abs(op.ts - incident.reported_at) < learner.policy.update_interval.total_seconds():
                learner.drift = incident.id
                return
        learner.drift = self._alert(
            op,
            status,
            "concept",
            series=event_ids.ERROR,
            detector=alarm.detector,
            message=f"the error of {learner.ref.name} (version {learner.champion.version})"
            f" {_risen(risen.before, risen.after)}",
            incident=incident.id if incident else None,
            statistic=alarm.statistic,
            threshold=alarm.threshold,
            change=risen,
        )
        if incident is None:
            opened = DriftIncident.opened(learner.drift, alarm.detector, op.ts, risen)
            learner.incident = opened
        else:
            incident.reported_at = op.ts

    def quiet(self, op: PendingOutcome, incident: DriftIncident) -> None:
        """Resolve the drift incident if errors are as low as before, else report their level."""
        steady = f"{incident.quiet} labels, at {incident.level:.4g}"
        if incident.is_back:
            self._end(op, incident, "recovered", f"has been as low as before for {steady}")
            return
        incident.quiet, incident.total = 0, 0.0  # it is compared again, by the next ones
        if incident.settled_at is None:
            incident.settled_at = op.ts
            message = f"has been steady for {steady}, higher than before ({incident.mean:.4g})"
            self._quiet_alert(op, incident, "settled", message)

    def accepted(self, op: PendingOutcome, incident: DriftIncident) -> None:
        """Resolve a drift incident that has been settled for long enough."""
        self._end(op, incident, "accepted", "is accepted, by policy.accept_after")

    def _end(
        self, op: PendingOutcome, incident: DriftIncident, reason: Reason, message: str
    ) -> None:
        self._learner.incident = None
        self._quiet_alert(op, incident, "resolved", message, reason=reason)

    def _quiet_alert(
        self,
        op: PendingOutcome,
        incident: DriftIncident,
        status: Status,
        message: str,
        **fields: Any,
    ) -> None:
        self._alert(
            op,
            status,
            "concept",
            series=event_ids.ERROR,
            detector=incident.detector,
            message=f"the error of {self._learner.ref.name} {message}",
            incident=incident.id,
            **fields,
        )

    def floor(self, op: PendingOutcome) -> None:
        """Add an alert that the model does not beat the baseline, or beats it again."""
        learner = self._learner
        fires = learner.below_floor is None
        name, ours = learner.ref.name, f"version {learner.champion.version}"
        identity = self._alert(
            op,
            "firing" if fires else "resolved",
            "performance",
            series=event_ids.FLOOR,
            detector="floor",
            message=f"{name} ({ours}) no longer beats its baseline"
            if fires
            else f"{name} ({ours}) beats its baseline again",
            incident=learner.below_floor,
            reason=None if fires else "recovered",
        )
        learner.below_floor = identity if fires else None

    def _alert(self, op: PendingOutcome, status: Any, kind: Any, **fields: Any) -> str:
        alert = event_ids.alert(
            self._learner.ref, op.origin(self._log), self._events.now, status, kind, **fields
        )
        self._events.alerts.append((op.position, alert))
        return alert.alert_id


def stepped(
    learner: ReportingModel,
    origin: event_ids.EventOrigin,
    step: Step,
    who: ScoredVersion,
    cause: str | None,
) -> ModelUpdate:
    """Create the update for a step, with the current metrics and parameters of the version."""
    return event_ids.update(
        learner.ref,
        origin,
        step,
        version=who.version,
        serving=learner.champion.version,
        learned=who.contestant.learned,
        model=who.contestant.spec.steps,
        metrics=who.metrics(learner.classes.metrics_task),
        cause=cause,
        parameters=plain(who.contestant, learner.classes),
    )


def unreported_update(learner: ReportingModel, topic: str, partition: int) -> ModelUpdate | None:
    """Create an update about labels that no earlier update covers; None if there are none.

    This is for a stream that stops before the end of an interval. The time of the call depends on
    the wall clock, so the call changes no state, and the id is derived from the last label.
    """
    if learner.untold is None:
        return None
    offset, ts, model_version = learner.untold
    origin = event_ids.EventOrigin(topic, partition, offset, ts, 0, model_version)
    return stepped(learner, origin, "learned", learner.champion, None)


def _risen(before: Moments, after: Moments) -> str:
    """Describe the increase of an error.

    Detectors such as `ddm` alarm at the first error of a model without earlier errors, because a
    zero rate has zero spread. One label does not give a mean.
    """
    if after.n > 1:
        return f"rose from {before.mean:.4g} to {after.mean:.4g}; since {after.n} labels ago"
    return (
        f"is {after.mean:.4g} at one label, after a mean of {before.mean:.4g} over the"
        f" {before.n} labels before; the size of the increase is not known yet"
    )


def rise(alarm: Alarm) -> Change | None:
    """Return the change of an alarm if the error increased; improvements need no reaction."""
    change = alarm.change
    return change if isinstance(change, Change) and change.direction == "up" else None
