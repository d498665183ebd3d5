"""Describe how each series of a partition is watched."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import UNWATCHED, Model
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.joint_features import BEFORE_FIRST
from streamproc.detect.layout_groups import LayoutGroups
from streamproc.detect.milestones import blind_after, born
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.rule_status import rule_statuses
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import JOINT
from streamproc.schemas.series_status import Character, SeriesState, SeriesStatus

_SEASONAL: Final = 0.25
"""Part of the variance that follows the hour, from which on a series has a season."""
_HOURS, _WEEK = 24, 168
_DAYS: Final = 2
"""Visits of an hour from which on its profile is known."""
_Arrays = dict[str, NDArray[Any]]


def series_statuses(
    shard: PartitionMonitor, topic: str, partition: int, *, ended: bool = False
) -> Iterator[SeriesStatus]:
    """Yield the status of each series of a partition, by model.

    Parameters
    ----------
    shard
        The partition's monitor.
    topic, partition
        Its coordinates.
    ended
        Whether no more values come, as at the end of a file: a warm-up that has not ended is blind.
    """
    groups: dict[int, _Group] = {}
    for model in shard.catalogue.models.values():
        events = int(model.layout.events[model.row])
        for name, slot in model.slots.items():
            group = _group_of(shard.catalogue.groups[model.layout], model, name)
            key = model.id, name
            incident = shard.incidents.open.get(key)
            of_segment = segment_of(name)
            described: dict[str, Any] = {
                "model_id": model.name,
                "series": name if of_segment is None else of_segment.series,
                "segment": None if of_segment is None else {of_segment.tag: of_segment.value},
                "topic": topic,
                "partition": partition,
            }
            if group is None or slot == UNWATCHED:
                unwatched: dict[str, Any] = {
                    "state": "unwatched",
                    "character": "unknown",
                    "values": 0,
                }
                yield SeriesStatus(**described, **unwatched, needed=0)
                continue
            known = groups.setdefault(id(group), _Group(group))
            first = BEFORE_FIRST if name == JOINT else born(model, name)
            if of_segment is not None:  # how many of its model's events are its own is not known
                first = events
            state: SeriesState = known.state(slot, events - first, ended=ended)
            if incident is not None:
                state = "firing" if incident.settled is None else "settled"
            grouped = shard.groups.of(*key)
            yield SeriesStatus(
                **described,
                state=state,
                character=known.character(slot),
                values=known.values(slot),
                needed=known.needed,
                incident_id=None if incident is None else grouped.id if grouped else incident.id,
            )
        yield from rule_statuses(shard, model, (topic, partition), ended=ended)
        for tag, count in _others(shard, model):
            yield SeriesStatus(
                model_id=model.name,
                series="segments",
                segment={tag: "*"},
                topic=topic,
                partition=partition,
                state="unwatched",
                character="unknown",
                values=count,
                needed=0,
            )


def _others(shard: PartitionMonitor, model: Model) -> Iterator[tuple[str, int]]:
    """Yield the tags of which some values are not watched, with the events that have them."""
    if shard.catalogue.groups[model.layout].segments:
        for tag, values in shard.catalogue.segments.of(model).values.items():
            if values.others:
                yield tag, values.others


class _Group:
    """The state of a detector group, read once for all of its slots."""

    def __init__(self, group: DetectorGroup) -> None:
        self._group = group
        self._arrays: _Arrays = group.watch.state(group.used)
        self._warming = group.watch.warming
        self.needed = group.warmup
        retained = self._arrays.get("follow.gross.retained", np.zeros(0, np.bool_))
        self._place = np.cumsum(retained) - 1  # of each slot's profile among those that are kept

    def values(self, slot: int) -> int:
        """Return the number of values since the detectors of a slot started."""
        return int(self._group.watch.quiet(np.array([slot]))[0])

    def state(self, slot: int, events: int, *, ended: bool) -> SeriesState:
        """Return the state of a slot without an open incident."""
        if not self._warming[slot]:
            return "watched"
        first = self._arrays["restarts"][slot] == 0
        return "blind" if ended or (first and events >= blind_after(self.needed)) else "learning"

    def character(self, slot: int) -> Character:
        """Return what the values of a slot are like."""
        if self._group.categories:
            return "category"
        dependent = self._arrays.get("follow.gross.dependent")
        if dependent is None or not dependent[slot]:
            return "unknown" if self._warming[slot] else "independent"
        return self._season(int(self._place[slot]))

    def _season(self, place: int) -> Character:
        rhythm = {
            name: self._arrays[f"follow.rhythm.{name}"][place]
            for name in ("daily", "weekly", "visits", "swings", "residuals")
        }
        visits = rhythm["visits"].astype(int)
        if (visits[_WEEK:] < _DAYS).any():
            return "dependent"
        daily = rhythm["daily"][:, 0].astype(float)
        noise = (1.2533 * float(rhythm["residuals"])) ** 2
        if daily.var() < _SEASONAL * (daily.var() + noise):
            return "dependent"
        if (visits[:_WEEK] < _DAYS).any():
            return "daily"
        weekly = rhythm["weekly"].astype(float)
        apart = (weekly - np.tile(daily, _WEEK // _HOURS)).var()
        return "weekly" if apart > _SEASONAL * (apart + noise) else "daily"


def _group_of(groups: LayoutGroups, model: Model, name: str) -> DetectorGroup | None:
    """Return the detectors of a series, also of the missing values of a feature."""
    if name.startswith("quality:"):
        column = model.layout.named.index(name.removeprefix("quality:"))
        return groups.quality[column]
    return groups.of(name)
