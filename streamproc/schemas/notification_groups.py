"""Define the schema of notification groups: incidents that a sink hears of at once."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from streamproc.schemas.alerts import Kind, Severity
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.incidents import IncidentStatus
from streamproc.schemas.timestamps import EventTime

GROUP_KEY: Final = "group:"
"""Key of a group on the topic `incidents`: this and its id."""


class Notice(Contract):
    """What the last notification has of an incident."""

    at: Annotated[
        EventTime,
        Field(description="Up to when it has its pages.", examples=["2026-01-05T10:00:11Z"]),
    ]
    status: Annotated[IncidentStatus, Field(description="Its status.", examples=["firing"])]
    severity: Annotated[Severity, Field(description="Its severity.", examples=["warning"])]
    pending: Annotated[
        bool,
        Field(description="Whether its page, which was due soon, is in it too.", examples=[False]),
    ] = False


class GroupedIncident(Contract):
    """An incident of a group: its series that the sink hears of, described by the first one."""

    incident_id: Annotated[Text, Field(description="Its id.", examples=["0b71fe2290ac"])]
    status: Annotated[IncidentStatus, Field(description="Where it stands.", examples=["firing"])]
    severity: Annotated[
        Severity, Field(description="The highest of its series.", examples=["warning"])
    ]
    paged: Annotated[
        EventTime | None,
        Field(description="When it paged last.", examples=["2026-01-05T10:00:11Z"]),
    ] = None
    page_at: Annotated[
        EventTime | None,
        Field(description="When it pages next.", examples=["2026-01-05T10:00:11Z"]),
    ] = None
    entered: Annotated[
        EventTime | None,
        Field(description="When it joined the group.", examples=["2026-01-05T10:00:01Z"]),
    ] = None
    model_id: Annotated[ModelId, Field(description="The first model.", examples=["fraud"])]
    series: Annotated[ClippedText, Field(description="Its series.", examples=["feature:fx_rate"])]
    kind: Annotated[Kind, Field(description="Of the series.", examples=["data"])]
    detector: Annotated[Text, Field(description="Of the series.", examples=["adwin"])]
    source: Annotated[
        Source,
        Field(
            description="The record that gave the last alert of the series.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ]
    owner: Annotated[
        ClippedText | None, Field(description="The model's owner.", examples=["risk-oncall"])
    ] = None
    runbook: Annotated[
        Text | None, Field(description="What to do.", examples=["https://wiki.example.org/fraud"])
    ] = None
    message: Annotated[
        ClippedMessage,
        Field(description="What happened.", examples=["fx_rate rose from 1.1 to 110"]),
    ]
    notice: Annotated[
        Notice | None,
        Field(
            description="What the last notification has of it; null: the sink has not heard of it.",
            examples=[{"at": "2026-01-05T10:00:11Z", "status": "firing", "severity": "warning"}],
        ),
    ] = None


class NotificationGroup(Contract):
    """Incidents of one route with equal labels, for one sink: a key of the topic `incidents`."""

    group_id: Annotated[
        Text,
        Field(
            description="Its id, which receivers get as `incident_id`.", examples=["5f0c9a7e21b8"]
        ),
    ]
    sink: Annotated[Text, Field(description="Name of the sink.", examples=["pager"])]
    route: Annotated[
        Text,
        Field(description="Conditions of the route.", examples=["/{owner = risk}"]),
    ]
    labels: Annotated[
        dict[str, str],
        Field(description="Labels of `group_by`.", examples=[{"owner": "risk-oncall"}]),
    ]
    interval: Annotated[
        float,
        Field(description="Time between two notifications, in seconds.", examples=[300.0]),
    ]
    wait: Annotated[
        float | None,
        Field(
            description="Time from its first incident to its first notification, in seconds; null:"
            " it notifies when an incident pages.",
            examples=[30.0],
        ),
    ] = None
    repeat: Annotated[
        float | None,
        Field(
            description="Time after which it notifies again while it fires, in seconds; null: when"
            " an incident pages again.",
            examples=[14400.0],
        ),
    ] = None
    incidents: Annotated[
        tuple[GroupedIncident, ...],
        Field(strict=False, description="Its incidents, at most 200.", examples=[[]]),
    ] = ()
    notified: Annotated[
        EventTime | None,
        Field(
            description="When the sink was last sent a notification.",
            examples=["2026-01-05T10:00:11Z"],
        ),
    ] = None
    status: Annotated[
        Literal["firing", "acknowledged", "resolved"],
        Field(description="What that notification says.", examples=["firing"]),
    ] = "firing"

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal groups give equal bytes."""
        return _GROUP.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "NotificationGroup":
        """Deserialise a group.

        Raises
        ------
        pydantic.ValidationError
            If it is not a `NotificationGroup` of this major version.
        """
        return cls.model_validate_json(value)


_GROUP: Final = TypeAdapter(NotificationGroup)
