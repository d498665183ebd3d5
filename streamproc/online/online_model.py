"""Manage the versions of one online model: champion, challengers and rollback."""

import math
from collections import deque
from typing import Any, Final

import numpy as np

from streamproc.config.config import Policy
from streamproc.config.model import ModelConfig
from streamproc.config.online import Online
from streamproc.detectors.series_monitor import Alarm
from streamproc.online import event_ids
from streamproc.online.baseline import baseline_of
from streamproc.online.cadence import Cadence
from streamproc.online.classes import Classes
from streamproc.online.drift_incident import DriftIncident
from streamproc.online.event_batch import EventBatch, PendingOutcome
from streamproc.online.event_builder import UpdateBuilder, rise
from streamproc.online.scored_version import ScoredVersion, restored, scored_version
from streamproc.performance.outcome_log import ModelCommand
from streamproc.performance.sequential_test import is_significant, new_log_wealth, sequential_test
from streamproc.schemas.series import Task

MIN_LABELS: Final = 100
"""Labels that a challenger needs before a promotion: a short series of good predictions does not
convince operators, even if it is significant."""
BLOCK: Final = 16
"""Labels between two points at which the champion may change. Outcomes between them are computed
as one batch, so the result does not depend on the slices."""
_NEVER: Final = math.inf


class OnlineModel:
    """Online model of one model id and segment: a pure state machine over its outcomes.

    Parameters
    ----------
    model_id, segment
        The id of the model, and the tag values of its segment.
    config
        The configuration of the model.
    online
        The section `online` of it.
    policy
        Intervals of alerts about an incident.
    horizon
        Grace period of labels in seconds of event time.

    Attributes
    ----------
    champion, background, challengers, former
        The serving version; one trained since a warning; those in the shadow test; and the previous
        champion during probation.
    """

    def __init__(
        self,
        model_id: str,
        segment: dict[str, str] | None,
        config: ModelConfig,
        online: Online,
        policy: Policy,
        horizon: float,
    ) -> None:
        self.online = online
        self.policy = policy
        self.ref = event_ids.ModelRef(model_id, segment, config, online.model.hash)
        self.task = task_of(config, online)
        self.classes = Classes(self.task, config.positive, inferred=config.task is None)
        self.floor = baseline_of(online, self.classes)
        self.next_version = 1
        self.champion = self._new(0)
        self.background: ScoredVersion | None = None
        self.challengers: list[ScoredVersion] = []
        self.former: ScoredVersion | None = None
        self.history: deque[list[Any]] = deque(maxlen=online.keep)
        self.labels = 0
        self.since_crowned = 0
        self.since_challenge = 0
        self.skipped = 0
        self.cadence = Cadence(online.interval.total_seconds(), horizon)
        self.untold: list[Any] | None = None
        self.drift: str | None = None
        self.warning: str | None = None
        self.incident: DriftIncident | None = None
        self.below_floor: str | None = None
        self.floor_evidence = new_log_wealth()
        self.rewatch = False
        self.enough = -math.log(online.level / 10)

    @property
    def players(self) -> list[ScoredVersion]:
        """All versions that predict and learn, the champion first."""
        if self.background is None and self.former is None and not self.challengers:
            return [self.champion]
        others = [self.background, *self.challengers, self.former]
        return [self.champion, *(each for each in others if each is not None)]

    @property
    def labels_to_cut(self) -> float:
        """Labels until the champion may change."""
        return BLOCK - self.labels % BLOCK if self._reactive else _NEVER

    def settle(
        self,
        stretch: EventBatch,
        alarms: list[Alarm],
        warnings: list[Alarm],
        say: UpdateBuilder,
    ) -> None:
        """React to a batch: report failures, drift and evidence, promote and roll back."""
        self.labels += len(stretch.run.learnings)
        self.skipped += stretch.skipped
        self.since_crowned += len(stretch.judged)
        self.since_challenge += len(stretch.judged)
        for each in stretch.players:
            for at, how in each.contestant.failures:
                say.failed(each.version, stretch.ops[at], how)
        if alarms or self.incident is not None:
            self._watch(stretch, alarms, say)
        if warnings and any(rise(alarm) for alarm in warnings):
            self.warning = "warning"
        if stretch.reached >= 0:
            self._floor(stretch, say)
        if stretch.run.learnings:
            if self._reactive and self.labels % BLOCK == 0:
                self._react(say, stretch.ops[-1])
            self._tell_learned(stretch, say)

    def command(
        self,
        command: ModelCommand,
        op: PendingOutcome,
        say: UpdateBuilder,
    ) -> str | None:
        """Execute a command: promote a challenger, or roll back to an earlier version.

        Returns
        -------
        str or None
            The reason if the command had no effect, else None.
        """
        version, cause = command.version, command.id
        if command.verb == "promote":
            rivals = [
                each
                for each in (*self.challengers, self.background)
                if each is not None and version in {None, each.version}
            ]
            if not rivals:
                which = (
                    "no challenger" if version is None else f"no challenger of version {version}"
                )
                return f"it has {which}"
            best = max(rivals, key=lambda each: float(each.evidence[0]))
            self._promote(say, op, best, cause)
        elif not self._roll_back(say, op, version, cause):
            which = "" if version is None else f" {version}"
            return f"it keeps no earlier version{which}"
        return None

    # Reactions.

    @property
    def _reactive(self) -> bool:
        return self.online.on_drift != "notify" or self.former is not None

    def _watch(self, stretch: EventBatch, alarms: list[Alarm], say: UpdateBuilder) -> None:
        """Report drift and its end."""
        at = 0
        for alarm in alarms:
            risen = rise(alarm)
            if risen is None:
                continue
            self._quiet(stretch, at, alarm.row, say)
            at = alarm.row + 1
            say.drift(alarm, risen, stretch.ops[stretch.judged[alarm.row]])
        self._quiet(stretch, at, len(stretch.judged), say)

    def _quiet(self, stretch: EventBatch, start: int, stop: int, say: UpdateBuilder) -> None:
        incident = self.incident
        if incident is None:
            return
        least, accept_after = self.policy.resolve_after, self.policy.accept_after.total_seconds()
        since = incident.alarmed_at + least.time.total_seconds()
        for at in range(start, stop):
            op = stretch.ops[stretch.judged[at]]
            incident.add(float(stretch.losses[at]))
            if incident.settled_at is not None and op.ts >= incident.settled_at + accept_after:
                say.accepted(op, incident)
            elif incident.quiet >= least.values and op.ts >= since:
                say.quiet(op, incident)
            if self.incident is None:
                return

    def _floor(self, stretch: EventBatch, say: UpdateBuilder) -> None:
        """Report that the baseline, or the model again, is better, and restart the test."""
        labels, losses = len(stretch.judged), stretch.losses
        mine, floors = losses[:labels], losses[-labels:]
        at = stretch.reached
        while at >= 0:
            say.floor(stretch.ops[stretch.judged[at]])
            self.floor_evidence = new_log_wealth()
            pair = (mine, floors) if self.below_floor is None else (floors, mine)
            absolute = self.task == "regression"
            at = sequential_test(*pair, absolute, self.floor_evidence, at + 1, self.enough)

    def _tell_learned(self, stretch: EventBatch, say: UpdateBuilder) -> None:
        last = stretch.ops[stretch.run.learnings[-1]]
        self.untold = [last.offset, last.ts, last.row.model_version]
        if stretch.due:
            say.step("learned", self.champion, last, None)

    def _react(self, say: UpdateBuilder, op: PendingOutcome) -> None:
        self._react_to_evidence(say, op)
        cause, self.drift = self.drift, None
        if cause is not None:
            self._drifted(say, op, cause)
        if self.warning is not None and self.online.on_drift == "replace":
            self.warning = None
            if self.background is None:
                self.background = self._new(0)
                self.since_challenge = 0
                say.step("challenger", self.background, op, None)
            elif self.since_challenge >= self.online.patience:
                self.background = None

    def _react_to_evidence(self, say: UpdateBuilder, op: PendingOutcome) -> None:
        level = self.online.level
        if self.former is not None:
            if is_significant(self.former.evidence, level):
                self._roll_back(say, op, self.former.version, None)
            elif self.since_crowned >= self.online.probation:
                self._keep(self.former)
                self.former = None
        if self.challengers:
            # Bonferroni: `level` bounds the probability that any of them is promoted wrongly.
            each_level = level / len(self.challengers)
            best = max(self.challengers, key=lambda each: float(each.evidence[0]))
            if is_significant(best.evidence, each_level) and best.contestant.learned >= MIN_LABELS:
                self._promote(say, op, best, None)
            elif self.since_challenge >= self.online.patience:
                self._retire(say, op)

    def _drifted(self, say: UpdateBuilder, op: PendingOutcome, cause: str) -> None:
        on_drift = self.online.on_drift
        if on_drift == "challenge":
            if not self.challengers:
                specs = self.online.challengers or (self.online.model,)
                self.challengers = [self._new(place) for place in range(len(specs))]
                self.since_challenge = 0
                for each in self.challengers:
                    say.step("challenger", each, op, cause)
            return
        self._keep(self.champion)
        if on_drift == "replace" and self.background is not None:
            self._promote_to_champion(self.background)
            say.step("replaced", self.champion, op, cause)
        else:
            self._promote_to_champion(self._new(0))
            say.step("reset", self.champion, op, cause)

    def _promote(
        self, say: UpdateBuilder, op: PendingOutcome, best: ScoredVersion, cause: str | None
    ) -> None:
        if self.former is not None:
            self._keep(self.former)
        before, losers = self.champion, [each for each in self.challengers if each is not best]
        self._promote_to_champion(best)
        self.former = before
        self.former.doubt()
        say.step("promoted", best, op, cause or self._last_cause())
        for loser in losers:
            say.step("retired", loser, op, None)

    def _roll_back(
        self, say: UpdateBuilder, op: PendingOutcome, version: int | None, cause: str | None
    ) -> bool:
        """Make an earlier version the champion again if it is available."""
        if self.former is not None and version in {None, self.former.version}:
            back = self.former
        else:
            written = next(
                (each for each in reversed(self.history) if version in {None, each[0]}), None
            )
            if written is None:
                return False
            self.history.remove(written)
            back = self._restored(written[1])
        self._keep(self.champion)
        self._promote_to_champion(back)
        say.step("rolled_back", back, op, cause)
        return True

    def _retire(self, say: UpdateBuilder, op: PendingOutcome) -> None:
        losers, self.challengers = self.challengers, []
        for loser in losers:
            say.step("retired", loser, op, None)

    def _promote_to_champion(self, new: ScoredVersion) -> None:
        self.champion = new
        self.background, self.challengers, self.former = None, [], None
        self.since_crowned = 0
        self.drift = self.warning = None
        self.floor_evidence = new_log_wealth()
        self.rewatch = True

    def _keep(self, old: ScoredVersion) -> None:
        self.history.append([old.version, old.dump()])

    def _last_cause(self) -> str | None:
        return self.incident.id if self.incident else None

    def _new(self, place: int) -> ScoredVersion:
        """Create a version of the model, or of the challenger with this index."""
        online = self.online
        specs = online.challengers if self.next_version > 1 and self._challenging else ()
        spec = specs[place] if specs else online.model
        made = scored_version(
            spec, self.next_version, binary=self.task == "binary", train_for=online.train_for
        )
        self.next_version += 1
        return made

    @property
    def _challenging(self) -> bool:
        return self.online.on_drift == "challenge"

    def _restored(self, written: list[Any]) -> ScoredVersion:
        train_for = self.online.train_for
        return restored(written, binary=self.task == "binary", train_for=train_for)

    # State.

    def dump(self) -> dict[str, Any]:
        """Return the state as plain values."""
        incident = self.incident
        return {
            "classes": self.classes.names if self.task == "multiclass" else [],
            "floor": self.floor.dump(),
            "next_version": self.next_version,
            "champion": self.champion.dump(),
            "background": self.background.dump() if self.background else None,
            "challengers": [each.dump() for each in self.challengers],
            "former": self.former.dump() if self.former else None,
            "kept": list(self.history),
            "incident": None if incident is None else incident.dump(),
            "floor_evidence": self.floor_evidence.tobytes(),
            "cadence": self.cadence.dump(),
            **{name: getattr(self, name) for name in _PLAIN},
        }

    def load(self, written: dict[str, Any]) -> None:
        """Take what `dump` wrote."""
        self.classes.restore(written["classes"])
        self.floor.load(written["floor"])
        self.next_version = written["next_version"]
        self.champion = self._restored(written["champion"])
        self.background, self.former = (
            None if written[name] is None else self._restored(written[name])
            for name in ("background", "former")
        )
        self.challengers = [self._restored(each) for each in written["challengers"]]
        self.history.extend(written["kept"])
        self.incident = None if written["incident"] is None else DriftIncident(*written["incident"])
        self.floor_evidence = np.frombuffer(written["floor_evidence"]).copy()
        if "cadence" in written:
            self.cadence.load(written["cadence"])
        else:
            self.cadence.load_start(written["told"])
        for name in _PLAIN:
            setattr(self, name, written[name])


_PLAIN: Final = (
    "labels",
    "since_crowned",
    "since_challenge",
    "skipped",
    "untold",
    "drift",
    "warning",
    "below_floor",
)


def task_of(config: ModelConfig, online: Online) -> Task:
    """Tell what a model answers: as configured, or as its class does."""
    if online.model.kind == "regressor":
        return "regression"
    return "binary" if online.model.binary or config.task == "binary" else "multiclass"
