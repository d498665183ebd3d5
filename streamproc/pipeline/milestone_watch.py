"""Report series of a model that cannot be watched, and features that are new."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from streamproc.alerting.coverage_alerts import blind_alert, new_feature_alert
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.origin import Origin
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.decode.layout import Model
from streamproc.decode.matrix import Matrix
from streamproc.detect.milestones import Milestone, Restarted
from streamproc.schemas.alerts import Status
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays

BLIND: Final = "blind"
"""Name of the array of a snapshot."""
_decoder: Final = msgspec.json.Decoder(dict[str, tuple[str, tuple[str, ...]]])


class MilestoneWatch:
    """The models of a partition with series that cannot be watched.

    Parameters
    ----------
    incidents
        Makes the origins of alerts.

    Attributes
    ----------
    open
        By model: id of the incident, and the series that it reports.
    """

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self.open: dict[str, tuple[str, tuple[str, ...]]] = {}

    def look(
        self, found: Milestone, data: Matrix, restarted: Restarted, now: datetime
    ) -> Iterator[PendingAlert]:
        """Yield what is to be reported at a milestone whose events were watched."""
        model, at = found.model, found.column
        about = model.name, model.config
        place, version = int(data.places[at]), data.event(at).model_version
        where = place, int(data.offsets[at]), float(data.ts[at])
        origin = self._incidents.origin(*where, version)
        for new in found.new(restarted):
            yield standalone(place, new_feature_alert(about, new, origin, now))
        series = found.blind(restarted)
        incident_id, reported = self.open.get(model.id, (None, ()))
        status: Status = "firing" if incident_id is None else "updated" if series else "resolved"
        if (not series and incident_id is None) or (series and set(series) <= set(reported)):
            return
        alert = blind_alert(status, about, series, incident_id, origin, now)
        if series:
            self.open[model.id] = alert.incident_id, tuple(sorted({*reported, *series}))
        else:
            del self.open[model.id]
        yield standalone(place, alert)

    def forget(self, model: Model, place: int, origin: Origin, now: datetime) -> list[PendingAlert]:
        """Forget a model; return the end of its incident."""
        incident_id, _ = self.open.pop(model.id, (None, ()))
        if incident_id is None:
            return []
        about = model.name, model.config
        alert = blind_alert("resolved", about, (), incident_id, origin, now)
        message = f"model {model.name!r} is not watched any more"
        update = {"reason": "superseded", "message": message}
        return [standalone(place, alert.model_copy(update=update))]

    def state(self) -> Arrays:
        """Return the state as an array of a snapshot."""
        return {BLIND: to_json_array(self.open)}

    def load(self, arrays: Arrays) -> None:
        """Continue the state of a snapshot, also of a version that did not have it.

        Raises
        ------
        SnapshotError
            If it cannot be read.
        """
        self.open = from_json_array(arrays, BLIND, _decoder, {})
