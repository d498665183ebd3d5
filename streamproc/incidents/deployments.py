"""Know the deployments of models, and tie to them the incidents that began soon after.

A deployment is known from the first event with a new version, or from an announcement, and from
both if they come together. Deployments that begin within the grace of the first of them are one
release. Incidents of its models that begin within the grace after their model's deployment have
one cause, so they are one incident; a critical one stays apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streamproc.incidents.entries import CommandEntry
from streamproc.incidents.incident import MAX_COMMANDS
from streamproc.incidents.onset import MIN_ERROR
from streamproc.schemas.alerts import Kind
from streamproc.schemas.deployments import (
    DEPLOYMENT_KEY,
    AnnounceDeployment,
    Deployment,
    VersionSighting,
    deployment_id,
)
from streamproc.schemas.incidents import Cause, ChangedSeries, Member, OnsetInterval

RETAIN_DEPLOYMENTS: Final = timedelta(days=30)
# About 1 kB each in memory.
MAX_DEPLOYMENTS: Final = 10_000
# A model that falls silent, or that cannot be watched, is not a matter of how well it answers.
_TIED: Final[frozenset[Kind]] = frozenset(
    {"data", "prediction", "concept", "performance", "quality", "rule"}
)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)

DeploymentChanges = Mapping[str, Deployment | None]
"""Deployments that have changed, by their key of the topic `incidents`; None: it is deleted."""


class Deployments:
    """The deployments after a prefix of the log.

    Parameters
    ----------
    grace
        Event time after a deployment within which incidents are tied to it; 0: none are.
    deployments
        Those of a topic `incidents` that was read again.
    """

    def __init__(
        self, grace: timedelta = timedelta(), deployments: Iterable[Deployment] = ()
    ) -> None:
        self._grace: Final = grace
        self._known: dict[str, Deployment] = {}
        self._of_model: dict[str, set[str]] = {}
        for each in deployments:
            self._put(each)

    def get(self, key: str) -> Deployment | None:
        """Return a deployment by its key of the topic."""
        return self._known.get(key)

    def due(self) -> Iterator[tuple[datetime, str]]:
        """Yield when each deployment is forgotten, and its key."""
        for key, each in self._known.items():
            yield forgotten_at(each), key

    def forget(self, key: str, at: datetime) -> DeploymentChanges:
        """Forget a deployment if it is old enough."""
        known = self._known.get(key)
        if known is None or forgotten_at(known) > at:
            return {}
        return self._delete(key)

    def sight(self, seen: VersionSighting, at: datetime) -> DeploymentChanges:
        """Take note of a version that events had not shown before; nothing if it is known."""
        same = self._of_version(seen.model_id, seen.model_version)
        if any(each.seen is not None for each in same):
            return {}
        found: dict[str, Any] = {
            "previous": seen.previous,
            "seen": seen.ts,
            "after": seen.after,
            "source": seen.source,
        }
        if same:
            return self._change(same[-1].model_copy(update=found))
        where = seen.source
        key = deployment_id(where.topic, f"{where.partition}", f"{where.offset}", seen.model_id)
        return self._add(key, seen.model_id, seen.model_version, at, seen.ts, **found)

    def announce(
        self, command: CommandEntry, payload: AnnounceDeployment, at: datetime
    ) -> DeploymentChanges:
        """Take note of an announcement; nothing if it was applied before.

        One of a version that events have shown within the grace is about that deployment. Any
        other one is about a further deployment, such as an earlier version that comes back.
        """
        same = self._of_version(payload.model_id, payload.model_version)
        if any(command.id in each.commands for each in same):
            return {}
        time = payload.at or at
        given: dict[str, Any] = {"announced": time, "by": command.by, "note": payload.note}
        for each in reversed(same):
            if each.announced is None and abs(each.began - time) <= self._grace:
                commands = (*each.commands, command.id)[-MAX_COMMANDS:]
                return self._change(each.model_copy(update={**given, "commands": commands}))
        key, commands = deployment_id(command.id), (command.id,)
        return self._add(
            *(key, payload.model_id, payload.model_version, at, time), **given, commands=commands
        )

    def cause_of(self, member: Member, series: ChangedSeries) -> Cause | None:
        """Return the release that a change may come from; None if it stands alone."""
        found = self._cause(member, series)
        if found is None:
            return None
        began = found.release_began
        onset = OnsetInterval(earliest=began, latest=began)
        return Cause(series=DEPLOYMENT_KEY + found.release, direction="changed", onset=onset)

    def _cause(self, member: Member, series: ChangedSeries) -> Deployment | None:
        """Return the last deployment of a member's model that a change may have begun with."""
        onset = series.onset
        if series.severity == "critical" or series.kind not in _TIED or onset is None:
            return None
        if not self._grace:
            return None
        before = [
            each
            for each in map(self._known.__getitem__, self._of_model.get(member.model_id, ()))
            if _earlier(each.after or each.began, MIN_ERROR) <= onset.latest
            and onset.earliest <= _later(each.began, self._grace)
        ]
        return max(before, key=_age, default=None)

    def _of_version(self, model: str, version: str) -> list[Deployment]:
        """Return the deployments of a version, the first one first."""
        keys = self._of_model.get(model, ())
        found = [
            each for each in map(self._known.__getitem__, keys) if each.model_version == version
        ]
        return sorted(found, key=_age)

    def _add(
        self, key: str, model: str, version: str, at: datetime, began: datetime, **fields: Any
    ) -> DeploymentChanges:
        first = self._release(began)
        new = Deployment.model_validate(
            {
                **fields,
                "deployment_id": key,
                "model_id": model,
                "model_version": version,
                "recorded": at,
                "release": key if first is None else first.release,
                "release_began": began if first is None else first.release_began,
            }
        )
        changes = dict(self._change(new))
        if len(self._known) > MAX_DEPLOYMENTS:
            oldest = min(self._known.values(), key=lambda each: (each.recorded, each.deployment_id))
            changes |= self._delete(DEPLOYMENT_KEY + oldest.deployment_id)
        return changes

    def _release(self, began: datetime) -> Deployment | None:
        """Return a deployment of the release that another one joins; None: it opens one."""
        together = [
            each
            for each in self._known.values()
            if self._grace and abs(each.release_began - began) <= self._grace
        ]
        return min(together, key=lambda each: (each.release_began, each.release), default=None)

    def _change(self, deployment: Deployment) -> DeploymentChanges:
        self._put(deployment)
        return {DEPLOYMENT_KEY + deployment.deployment_id: deployment}

    def _put(self, deployment: Deployment) -> None:
        key = DEPLOYMENT_KEY + deployment.deployment_id
        self._known[key] = deployment
        self._of_model.setdefault(deployment.model_id, set()).add(key)

    def _delete(self, key: str) -> DeploymentChanges:
        model = self._known.pop(key).model_id
        self._of_model[model].discard(key)
        if not self._of_model[model]:
            del self._of_model[model]
        return {key: None}


def forgotten_at(deployment: Deployment) -> datetime:
    """Return when a deployment is forgotten."""
    return deployment.recorded + RETAIN_DEPLOYMENTS


def nearest(deployments: Iterable[Deployment], onset: OnsetInterval) -> Deployment | None:
    """Return the deployment that is nearest to an onset; None if there is none."""
    return min(
        deployments, key=lambda each: (abs(distance(each, onset)), *_age(each)), default=None
    )


def distance(deployment: Deployment, onset: OnsetInterval) -> timedelta:
    """Return the time from a deployment to an onset: 0 within it, negative after it."""
    if deployment.began > onset.latest:
        return onset.latest - deployment.began
    return max(timedelta(), onset.earliest - deployment.began)


def rounded(stretch: timedelta) -> timedelta:
    """Return a stretch of time as people say it: in seconds, minutes, hours or days.

    Examples
    --------
    >>> str(rounded(timedelta(seconds=407))), str(rounded(timedelta(seconds=5000)))
    ('0:07:00', '1:23:00')
    """
    for limit, unit in ((120, 1), (36_000, 60), (864_000, 3600)):
        if abs(stretch) < timedelta(seconds=limit):
            return timedelta(seconds=round(stretch.total_seconds() / unit) * unit)
    return timedelta(days=round(stretch / timedelta(days=1)))


def is_deployment(cause: Cause) -> bool:
    """Whether a cause is a release of models."""
    return cause.series.startswith(DEPLOYMENT_KEY)


def _age(deployment: Deployment) -> tuple[datetime, str]:
    return deployment.began, deployment.deployment_id


def _earlier(time: datetime, by: timedelta) -> datetime:
    return _FIRST if time - _FIRST < by else time - by


def _later(time: datetime, by: timedelta) -> datetime:
    return _LAST if _LAST - time < by else time + by
