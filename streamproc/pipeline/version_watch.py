"""Notice versions that the events of a model did not have before."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from streamproc.alerting.origin import from_epoch
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.decode.layout import Layout
from streamproc.decode.matrix import Matrix
from streamproc.detect.sampled_events import sampled
from streamproc.schemas.base import Source
from streamproc.schemas.clip import clip
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.version_key import MAX_VERSIONS
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays, SnapshotError

VERSIONS: Final = "versions"
"""Name of the array of a snapshot."""
# Several of them are in one record of the incident log.
_MAX_TEXT: Final = 200
# Their version is that of the event of the alarm. What is about a partition, or about the absence
# of events, may have that of another model's event.
_OF_ITS_EVENT: Final = frozenset({"data", "prediction", "quality", "rule"})


class Look(NamedTuple):
    """An event whose version is known: sort key, model, version, time, and offset."""

    place: int
    model: str
    version: str | None
    ts: float
    offset: int


class SeenVersions(msgspec.Struct):
    """What was seen of a model's versions.

    Attributes
    ----------
    versions
        The last ones, most recently seen last; None: events had none.
    last
        Time of the last event that was looked at, in seconds since 1970.
    """

    versions: list[str | None]
    last: float


_decoder: Final = msgspec.json.Decoder(dict[str, SeenVersions])


class VersionWatch:
    """The versions of the models of a partition.

    Every 64th event of a model is looked at, and those that give an alert. A model's first
    version is none that was deployed; one that comes back is not reported again.

    Parameters
    ----------
    topic, partition
        Where the events are.

    Attributes
    ----------
    models
        What was seen, by model.
    looks
        Events that were looked at, and are not in `models` yet.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self._topic, self._partition = topic, partition
        self.models: dict[str, SeenVersions] = {}
        self.looks: list[Look] = []

    def look(self, layout: Layout, data: Matrix) -> None:
        """Take note of the sampled events, which are not counted yet."""
        for model, at in sampled(layout, data):
            version = data.event(at).model_version
            place, ts, offset = int(data.places[at]), float(data.ts[at]), int(data.offsets[at])
            self.looks.append(Look(place, model, version, ts, offset))

    def look_at(self, alerts: Iterable[PendingAlert]) -> None:
        """Take note of the events that gave alerts."""
        for pending in alerts:
            alert = pending.alert
            if alert is None or pending.model is None or alert.kind not in _OF_ITS_EVENT:
                continue
            if alert.status in {"pending", "firing", "updated"}:
                version, ts = alert.model_version, alert.ts.timestamp()
                offset = alert.source.offset
                self.looks.append(Look(pending.place, pending.model, version, ts, offset))

    def advance(self) -> Iterator[VersionSighting]:
        """Yield the versions that are new, once all events up to a record were looked at."""
        looks, self.looks = sorted(self.looks, key=lambda each: each[:2]), []
        for each in looks:
            seen = self._see(each)
            if seen is not None:
                yield seen

    def forget(self, model: str) -> None:
        """Forget a model."""
        self.models.pop(model, None)

    def _see(self, look: Look) -> VersionSighting | None:
        version = None if look.version is None else clip(look.version, _MAX_TEXT)
        known = self.models.get(look.model)
        if known is None:
            self.models[look.model] = SeenVersions([version], look.ts)
            return None
        last, known.last = known.last, look.ts
        if version == known.versions[-1]:
            return None
        if version in known.versions:
            known.versions.remove(version)
            known.versions.append(version)
            return None
        previous = next((each for each in reversed(known.versions) if each is not None), None)
        known.versions = [*known.versions, version][-MAX_VERSIONS:]
        if version is None:
            return None
        return VersionSighting(
            model_id=look.model,
            model_version=version,
            previous=previous,
            ts=from_epoch(look.ts),
            after=from_epoch(min(last, look.ts)),
            source=Source(topic=self._topic, partition=self._partition, offset=look.offset),
        )

    def state(self) -> Arrays:
        """Return the state as an array of a snapshot."""
        return {VERSIONS: to_json_array(self.models)}

    def load(self, arrays: Arrays) -> None:
        """Continue the state of a snapshot, also of a version that did not have it.

        Raises
        ------
        SnapshotError
            If it cannot be read.
        """
        self.models = from_json_array(arrays, VERSIONS, _decoder, {})
        empty = next((model for model, seen in self.models.items() if not seen.versions), None)
        if empty is not None:
            raise SnapshotError(f"array {VERSIONS!r}: model {empty!r} has no version")
