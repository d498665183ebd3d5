"""Report models most of whose records cannot be read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from streamproc.alerting.incidents import Incidents
from streamproc.alerting.input_alerts import unreadable_alert
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.config.config import Config
from streamproc.decode.decoded_events import PLACE_BITS
from streamproc.decode.unreadable_share import Share, UnreadableShare
from streamproc.schemas.records import Record, SliceResult
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays

UNREADABLE: Final = "unreadable"
"""Name of the array of a snapshot."""
_decoder: Final = msgspec.json.Decoder(dict[str, Share])


class UnreadableWatch:
    """The models of a partition with records that cannot be read.

    Parameters
    ----------
    config
        The configuration.
    incidents
        Makes the origins of alerts.

    Attributes
    ----------
    models
        Models with such records. Without any, a slice without dead letters need not be looked at.
    """

    def __init__(self, config: Config, incidents: Incidents) -> None:
        self._config, self._incidents = config, incidents
        self._share = UnreadableShare()
        self.models = self._share.models

    def look(
        self, records: Sequence[Record], outcome: SliceResult, now: datetime
    ) -> Iterator[PendingAlert]:
        """Yield the alerts of a slice that was decoded."""
        longest = self._config.limits.record_bytes
        for found in self._share.look(records, outcome.dead_letters, longest):
            record, place = records[found.position], found.position << PLACE_BITS
            ts = record.timestamp / 1000
            origin = self._incidents.origin(place, record.offset, ts, None)
            alert = unreadable_alert(found, self._config.model(found.model), origin, now)
            found.share.incident = alert.incident_id
            yield standalone(place, alert)

    def state(self) -> Arrays:
        """Return the state as an array of a snapshot."""
        return {UNREADABLE: to_json_array(self.models)}

    def load(self, arrays: Arrays) -> None:
        """Continue the state of a snapshot, also of a version that did not have it.

        Raises
        ------
        SnapshotError
            If it cannot be read.
        """
        self.models = self._share.models = from_json_array(arrays, UNREADABLE, _decoder, {})
