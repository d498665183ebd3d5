"""Define the payloads of the commands about incidents, silences and deployments."""

from typing import Annotated, Final

from pydantic import Field

from streamproc.schemas.base import Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.deployments import AnnounceDeployment
from streamproc.schemas.section import Section
from streamproc.schemas.silences import Matchers
from streamproc.schemas.timestamps import EventTime

_Incident = Annotated[
    Text,
    Field(
        description="The incident, or the incident of one of its models.",
        examples=["0b71fe2290ac"],
    ),
]
_By = Annotated[
    Text | None,
    Field(max_length=200, description="Who; null: the issuer.", examples=["ana"]),
]
_Reason = Annotated[ClippedMessage, Field(description="Why.", examples=["provider was called"])]


class Acknowledge(Section):
    """Somebody works on it: its entry has no further page until then."""

    incident_id: _Incident
    by: _By = None
    reason: _Reason = ""
    until: Annotated[
        EventTime | None,
        Field(description="It pages again then.", examples=["2026-01-05T12:00:00Z"]),
    ] = None


class Accept(Section):
    """Resolve an incident: what is different is meant to be, or it was a false alarm."""

    incident_id: _Incident
    by: _By = None
    reason: _Reason = ""
    false_alarm: Annotated[
        bool, Field(description="Whether nothing had changed.", examples=[True])
    ] = False


class Note(Section):
    """Write something into the timeline."""

    incident_id: _Incident
    by: _By = None
    text: _Reason


class Assign(Section):
    """Give an incident another owner."""

    incident_id: _Incident
    by: _By = None
    owner: Annotated[ClippedText, Field(description="To whom.", examples=["platform-oncall"])]


class SetSilence(Section):
    """Create a silence, or replace that with the same id."""

    silence_id: Annotated[
        Text | None,
        Field(
            max_length=100,
            description="The one to replace; null: a new one.",
            examples=["5d0e1f22a0b1"],
        ),
    ] = None
    matchers: Annotated[
        Matchers, Field(description="What it covers.", examples=[{"feature": "fx_rate"}])
    ]
    start: Annotated[
        EventTime | None, Field(description="null: now.", examples=["2026-01-05T10:00:00Z"])
    ] = None
    end: Annotated[EventTime, Field(description="Until when.", examples=["2026-01-05T12:00:00Z"])]
    comment: _Reason
    by: _By = None


class RemoveSilence(Section):
    """End a silence now."""

    silence_id: Annotated[Text, Field(description="Which.", examples=["5d0e1f22a0b1"])]
    by: _By = None


PAYLOADS: Final[dict[str, type[Section]]] = {
    "incident_ack": Acknowledge,
    "incident_accept": Accept,
    "incident_note": Note,
    "incident_assign": Assign,
    "silence_set": SetSilence,
    "silence_remove": RemoveSilence,
    "deployment_announce": AnnounceDeployment,
}
"""The commands, by their verb on the topic `control`."""
