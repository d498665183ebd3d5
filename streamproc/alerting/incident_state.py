"""The open incidents of models to plain arrays and back."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final, Protocol

import msgspec

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incident_group import IncidentGroup
from streamproc.alerting.origin import from_epoch
from streamproc.schemas.alerts import Contributor
from streamproc.schemas.effect_size import MAX_SIZE, MIN_SIZE
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays, SnapshotError

GROUPS: Final = "groups"
"""What a snapshot calls them; those of a version that did not know them have none."""
UNKNOWN_FIRST: Final = -2
"""First alert of an incident of an earlier version: nothing began before that."""
UNKNOWN_SIZE: Final = 1.0
"""What a series counts of which an earlier version did not write down how much it changed."""

Series = tuple[str, str]  # model and name
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Size = Annotated[float, msgspec.Meta(ge=MIN_SIZE, le=MAX_SIZE)]


class OpenIncident(Protocol):
    """What is needed of an open incident of a series."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def last_reported(self) -> float:
        """Event time of an alert of it."""


class GroupRecord(msgspec.Struct, frozen=True, array_like=True):
    """A `IncidentGroup`, and whose it is; `open` and `settled` in alphabetical order."""

    model: str
    id: str
    first: Annotated[int, msgspec.Meta(ge=UNKNOWN_FIRST)]
    reported_at: Moment
    open: tuple[str, ...]
    sizes: dict[str, Size]
    settled: tuple[str, ...] = ()
    explained: tuple[tuple[str, Share], ...] = ()


_decoder: Final = msgspec.json.Decoder(list[GroupRecord])


def state(groups: IncidentGrouper) -> Arrays:
    """Copy all there is to know."""
    records = [
        GroupRecord(
            *(model, group.id, group.first, group.reported_at),
            *(tuple(sorted(group.open)), group.sizes, tuple(sorted(group.settled))),
            tuple((part.series, part.share) for part in group.explained or ()),
        )
        for model, of_model in groups.open.items()
        for group in of_model
    ]
    return {GROUPS: to_json_array(records)}


def load(
    groups: IncidentGrouper,
    arrays: Arrays,
    earlier: Iterable[GroupRecord],
    incidents: Mapping[Series, OpenIncident],
) -> None:
    """Put incidents back where they were.

    Parameters
    ----------
    groups
        Empty.
    arrays
        Of a snapshot.
    earlier
        Those that an earlier version wrote elsewhere.
    incidents
        The series whose incidents are open. One that is in no group goes on alone.

    Raises
    ------
    SnapshotError
        If they do not fit together.
    """
    records = from_json_array(arrays, GROUPS, _decoder, [])
    for record in [*records, *earlier]:
        _put(groups, record, incidents)
    for (model, series), incident in incidents.items():
        if groups.of(model, series) is None:
            _put(groups, _alone(model, series, incident), incidents)


def _put(
    groups: IncidentGrouper, record: GroupRecord, incidents: Mapping[Series, OpenIncident]
) -> None:
    group = IncidentGroup(record.id, record.first, record.reported_at)
    for series, size in record.sizes.items():
        group.join(series, size)
    group.open = {series for series in record.open if (record.model, series) in incidents}
    group.settled = group.open.intersection(record.settled)
    group.explained = [
        Contributor(series=series, share=share) for series, share in record.explained
    ] or None
    twice = [series for series in group.open if groups.of(record.model, series)]
    if twice or not group.open <= record.sizes.keys():
        raise SnapshotError(f"the series of incident {record.id!r} are in two, or in none")
    if group.open:
        groups.open.setdefault(record.model, []).append(group)


def _alone(model: str, series: str, incident: OpenIncident) -> GroupRecord:
    """Make an incident of one series, as all were in earlier versions."""
    return GroupRecord(
        model,
        incident.id,
        UNKNOWN_FIRST,
        from_epoch(incident.last_reported),
        (series,),
        {series: UNKNOWN_SIZE},
    )
