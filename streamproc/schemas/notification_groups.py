"""Define the schema of notification groups: incidents that a sink hears of at once.

A group and each of its incidents have a key each, so that a change of one incident does not
rewrite what all others have.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from streamproc.schemas.alerts import Kind, Severity
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.incidents import IncidentStatus
from streamproc.schemas.timestamps import EventTime

GROUP_KEY: Final = "group:"
"""Key of a group on the topic `incidents`: this and its id; of its incidents: `/` and theirs."""


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
    """An incident of a group: where it stands with its sink; a key of the topic `incidents`."""

    group_id: Annotated[Text, Field(description="The group.", examples=["5f0c9a7e21b8"])]
    incident_id: Annotated[Text, Field(description="Its id.", examples=["0b71fe2290ac"])]
    number: Annotated[
        int, Field(description="Its place in the group, by when it joined.", examples=[0])
    ]
    severity: Annotated[
        Severity,
        Field(description="The highest of its series that the sink gets.", examples=["warning"]),
    ]
    entered: Annotated[
        EventTime,
        Field(description="When it joined the group.", examples=["2026-01-05T10:00:01Z"]),
    ]
    notice: Annotated[
        Notice | None,
        Field(
            description="What the last notification has of it; null: the sink has not heard of it.",
            examples=[{"at": "2026-01-05T10:00:11Z", "status": "firing", "severity": "warning"}],
        ),
    ] = None

    @property
    def key(self) -> str:
        """Return its key of the topic."""
        return f"{GROUP_KEY}{self.group_id}/{self.incident_id}"

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal ones give equal bytes."""
        return _GROUPED.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "GroupedIncident":
        """Deserialise an incident of a group.

        Raises
        ------
        pydantic.ValidationError
            If it is not a `GroupedIncident` of this major version.
        """
        return cls.model_validate_json(value)


class ShownIncident(Contract):
    """An incident that a notification names: its series that the sink gets, by the first one."""

    incident_id: Annotated[Text, Field(description="Its id.", examples=["0b71fe2290ac"])]
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

    severity: Annotated[
        Severity, Field(description="The highest that it tells of.", examples=["warning"])
    ] = "info"
    open: Annotated[
        int, Field(description="How many incidents it tells of that are open.", examples=[12])
    ] = 0
    resolved: Annotated[
        int, Field(description="How many it tells of that have ended.", examples=[2])
    ] = 0
    shown: Annotated[
        tuple[ShownIncident, ...],
        Field(strict=False, description="The most severe ones, at most 5.", examples=[[]]),
    ] = ()

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
_GROUPED: Final = TypeAdapter(GroupedIncident)
