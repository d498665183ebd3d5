"""Watch the arrival of the events of one partition, and report silent models."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.alerting.arrival_alerts import (
    SERIES,
    arrival_alert,
    detector_of,
    superseded,
)
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.origin import Origin
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.decode.layout import Model
from streamproc.detect.arrival_columns import WHAT
from streamproc.detect.arrivals import Arrivals, Found, Part
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays

PREFIX: Final = "arrivals: "
"""Prefix of the names of these arrays in a snapshot."""
_OPEN: Final = "open"
_decoder: Final = msgspec.json.Decoder(list[tuple[str, str, str]])
_BOTH: Final = ("silence", "volume")


class ArrivalWatch:
    """The arrival of the events of all models of a partition.

    Parameters
    ----------
    catalogue
        The models.
    incidents
        Makes the origins of alerts.
    accept_after
        Seconds of event time after which what was found is accepted.

    Attributes
    ----------
    arrivals
        The counts.
    open
        Ids of the open incidents, by model and detector.
    """

    def __init__(
        self, catalogue: SeriesRegistry, incidents: Incidents, accept_after: float
    ) -> None:
        self._catalogue, self._incidents = catalogue, incidents
        self.arrivals = Arrivals(accept_after)
        self.open: dict[tuple[str, str], str] = {}

    def look(self, parts: Sequence[Part], now: datetime) -> Iterator[PendingAlert]:
        """Yield the alerts at events that were counted."""
        for found in self.arrivals.advance(parts):
            at = found.place, found.offset, found.ts
            yield self._alert(found, self._incidents.origin(*at, None), now)

    def forget(self, model: Model, place: int, origin: Origin, now: datetime) -> list[PendingAlert]:
        """Forget a model; return the ends of its incidents."""
        self.arrivals.release(model)
        ended = [(each, self.open.pop((model.id, each), None)) for each in _BOTH]
        return [
            standalone(place, superseded(model.id, each, model.config, incident_id, origin, now))
            for each, incident_id in ended
            if incident_id is not None
        ]

    def state(self) -> Arrays:
        """Return the state as arrays of a snapshot."""
        models = self._catalogue.models.values()
        records = [(*key, incident_id) for key, incident_id in sorted(self.open.items())]
        arrays: dict[str, NDArray[np.generic]] = {
            **self.arrivals.state(models),
            _OPEN: to_json_array(records),
        }
        return {PREFIX + name: array for name, array in arrays.items()}

    def load(self, arrays: Arrays) -> None:
        """Continue the state of a snapshot, also of a version that did not have it.

        Raises
        ------
        SnapshotError
            If the open incidents cannot be read.
        ValueError
            If arrays do not fit together.
        """
        state = {
            name.removeprefix(PREFIX): array
            for name, array in arrays.items()
            if name.startswith(PREFIX)
        }
        state.pop(_OPEN, None)
        self.arrivals.load(state, list(self._catalogue.models.values()))
        records = from_json_array(arrays, PREFIX + _OPEN, _decoder, [])
        self.open = {
            (model, detector): incident_id
            for model, detector, incident_id in records
            if (found := self._catalogue.models.get(model)) is not None
            and self.arrivals.watches(found, detector)
        }

    def _alert(self, found: Found, origin: Origin, now: datetime) -> PendingAlert:
        key = found.model, detector_of(int(found.figures[WHAT]))
        config = self._catalogue.configured(found.model)
        alert = arrival_alert(found, config, self.open.get(key), origin, now)
        if alert.status == "firing":
            self.open[key] = alert.incident_id
        else:
            self.open.pop(key, None)
        return PendingAlert(found.place, f"{SERIES}:{found.model}", alert)
