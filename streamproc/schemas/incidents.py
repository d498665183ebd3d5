"""Define the schema of incidents across models, on the topic `incidents`."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from streamproc.schemas.alerts import Contributor, Kind, Reason, Severity, Summary
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.timestamps import EventTime

IncidentStatus = Literal["firing", "settled", "acknowledged", "silenced", "inhibited", "resolved"]
"""Status of an incident. `settled`: each of its open series is quiet on another level than before.
`silenced`: a silence covers each of its open series. `inhibited`: silences and other open incidents
(the rules `inhibit`) cover each of them."""

Direction = Literal["up", "down", "changed"]
"""How a series moved; `changed` where it has no mean, or its mean stayed."""

Step = Literal[
    "opened",
    "joined",
    "fired",
    "settled",
    "resolved",
    "reopened",
    "paged",
    "silenced",
    "unsilenced",
    "inhibited",
    "uninhibited",
    "escalated",
    "acknowledged",
    "acknowledgement_ended",
    "accepted",
    "expired",
    "assigned",
    "noted",
    "deployed",
]
"""What happened to an incident. `deployed`: a model got another version since it began."""


class OnsetInterval(Contract):
    """When a change began, in event time: between these two."""

    earliest: Annotated[
        EventTime, Field(description="Not before.", examples=["2026-01-05T09:57:00.000000Z"])
    ]
    latest: Annotated[
        EventTime, Field(description="Not after.", examples=["2026-01-05T09:59:00.000000Z"])
    ]


class Cause(Contract):
    """Why incidents of models join: a shared feature and its direction, or one release."""

    series: Annotated[
        ClippedText,
        Field(
            description="The feature's series, or `deployment:` and the id of a release.",
            examples=["feature:fx_rate"],
        ),
    ]
    direction: Annotated[Direction, Field(description="How it moved.", examples=["up"])]
    onset: Annotated[
        OnsetInterval,
        Field(
            description="When it began, as the members agree.",
            examples=[{"earliest": "2026-01-05T09:57:00Z", "latest": "2026-01-05T09:59:00Z"}],
        ),
    ]


class ChangedSeries(Contract):
    """A series that changed in a member."""

    series: Annotated[ClippedText, Field(description="The series.", examples=["feature:fx_rate"])]
    segment: Annotated[
        dict[ClippedText, ClippedText] | None,
        Field(description="The part of the events meant; null: all.", examples=[{"region": "eu"}]),
    ] = None
    open: Annotated[bool, Field(description="Whether it is not resolved.", examples=[True])]
    settled: Annotated[
        bool,
        Field(description="Whether it is quiet on another level than before.", examples=[False]),
    ] = False
    reason: Annotated[
        Reason | None, Field(description="Why it is resolved.", examples=["recovered"])
    ] = None
    direction: Annotated[Direction, Field(description="How it moved.", examples=["up"])]
    kind: Annotated[Kind, Field(description="Of its first alert.", examples=["data"])]
    detector: Annotated[Text, Field(description="Of its first alert.", examples=["adwin"])]
    severity: Annotated[
        Severity, Field(description="The highest of its alerts.", examples=["warning"])
    ]
    alert_ids: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            description="Its last alert, and others that the same record gave.",
            examples=[["5f0c9a7e21b84d36"]],
        ),
    ]
    source: Annotated[
        Source,
        Field(
            description="The record that gave its last alert.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ]
    onset: Annotated[
        OnsetInterval | None,
        Field(
            description="When its change began.",
            examples=[{"earliest": "2026-01-05T09:57:00Z", "latest": "2026-01-05T09:59:00Z"}],
        ),
    ] = None
    silences: Annotated[
        tuple[Text, ...],
        Field(strict=False, description="Silences that cover it now.", examples=[["5d0e1f22"]]),
    ] = ()
    inhibited_by: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            description="Incidents that hide it while they are open.",
            examples=[["90ac0b71fe22"]],
        ),
    ] = ()
    message: Annotated[
        ClippedMessage | None,
        Field(
            description="What its first alert says; null after the first 20 series.",
            examples=["fx_rate rose from 1.1 to 110"],
        ),
    ] = None
    before: Annotated[
        Summary | None,
        Field(description="Its values before.", examples=[{"n": 2000, "mean": 1.1, "std": 0.1}]),
    ] = None
    after: Annotated[
        Summary | None,
        Field(description="Its values since.", examples=[{"n": 160, "mean": 110.0, "std": 10.0}]),
    ] = None

    @property
    def covered(self) -> bool:
        """Whether it pages nobody now: a silence or another incident covers it."""
        return bool(self.silences or self.inhibited_by)


class Member(Contract):
    """The incident of one model: all alerts with its `incident_id`."""

    incident_id: Annotated[Text, Field(description="As in its alerts.", examples=["0b71fe2290ac"])]
    model_id: Annotated[ModelId, Field(description="The model.", examples=["fraud"])]
    model_version: Annotated[
        ClippedText | None, Field(description="Its version at the first alert.", examples=["7"])
    ] = None
    kind: Annotated[Kind, Field(description="Of its first alert.", examples=["data"])]
    severity: Annotated[
        Severity, Field(description="The highest of its alerts.", examples=["warning"])
    ]
    owner: Annotated[
        ClippedText | None, Field(description="The model's owner.", examples=["risk-oncall"])
    ] = None
    runbook: Annotated[
        Text | None, Field(description="What to do.", examples=["https://wiki.example.org/fraud"])
    ] = None
    series: Annotated[
        tuple[ChangedSeries, ...],
        Field(
            strict=False,
            description="Its changed series, the first one first.",
            examples=[[]],
        ),
    ]
    contributors: Annotated[
        tuple[Contributor, ...],
        Field(
            strict=False,
            description="Shares of its series in the change, or of the features that explain an"
            " increase of errors; empty: one series.",
            examples=[[{"series": "feature:fx_rate", "share": 0.8}]],
        ),
    ] = ()
    release: Annotated[
        Text | None,
        Field(
            description="Id of the first deployment of the release after which it began, within"
            " `policy.deployment_grace`; null: it began after none.",
            examples=["7c1e55d0b2f4"],
        ),
    ] = None

    @property
    def open(self) -> bool:
        """Whether one of its series is not resolved."""
        return any(each.open for each in self.series)


class Acknowledgement(Contract):
    """Somebody works on an incident."""

    by: Annotated[Text, Field(description="Who.", examples=["ana@laptop"])]
    at: Annotated[EventTime, Field(description="Since when.", examples=["2026-01-05T10:02:00Z"])]
    until: Annotated[
        EventTime | None,
        Field(description="Until when; null: open end.", examples=["2026-01-05T12:00:00Z"]),
    ] = None
    reason: Annotated[
        ClippedMessage, Field(description="Why.", examples=["provider was called"])
    ] = ""


class TimelineEntry(Contract):
    """A step of an incident."""

    at: Annotated[EventTime, Field(description="When.", examples=["2026-01-05T10:00:01Z"])]
    step: Annotated[Step, Field(description="What happened.", examples=["joined"])]
    by: Annotated[Text | None, Field(description="Who did it.", examples=["ana@laptop"])] = None
    model_id: Annotated[ModelId | None, Field(description="Which member.", examples=["fraud"])] = (
        None
    )
    text: Annotated[
        ClippedMessage | None,
        Field(description="The series, reason or note.", examples=["feature:fx_rate"]),
    ] = None


class IncidentState(Contract):
    """One incident: a cause, and the models that it affects."""

    incident_id: Annotated[
        Text,
        Field(
            description="The `incident_id` of its first member's alerts.",
            examples=["0b71fe2290ac"],
        ),
    ]
    status: Annotated[IncidentStatus, Field(description="Where it stands.", examples=["firing"])]
    reason: Annotated[
        Literal["recovered", "accepted", "superseded", "expired"] | None,
        Field(
            description="Why it is resolved: all series recovered; a person, or"
            " `policy.accept_after`, accepted it; another incident continues it; or it is an event"
            " that nothing resolves, and a day old.",
            examples=["recovered"],
        ),
    ] = None
    false_alarm: Annotated[
        bool,
        Field(
            description="Whether the person who accepted it says that nothing had changed.",
            examples=[True],
        ),
    ] = False
    severity: Annotated[
        Severity,
        Field(
            description="The highest of its members, one step more if it is escalated.",
            examples=["warning"],
        ),
    ]
    escalated: Annotated[
        EventTime | None,
        Field(
            description="When it rose by a step, by a rule of `escalate`; null: it did not.",
            examples=["2026-01-05T11:00:11Z"],
        ),
    ] = None
    owner: Annotated[
        ClippedText | None,
        Field(description="Of its first member, or assigned.", examples=["risk-oncall"]),
    ] = None
    opened: Annotated[
        EventTime, Field(description="When it was opened.", examples=["2026-01-05T10:00:01Z"])
    ]
    ended: Annotated[
        EventTime | None,
        Field(description="When it was resolved.", examples=["2026-01-05T11:00:01Z"]),
    ] = None
    updated: Annotated[
        EventTime, Field(description="When this was written.", examples=["2026-01-05T10:00:01Z"])
    ]
    page_at: Annotated[
        EventTime | None,
        Field(
            description="When it pages next, unless somebody is on it; null: not again.",
            examples=["2026-01-05T10:00:11Z"],
        ),
    ] = None
    paged: Annotated[
        tuple[EventTime, ...],
        Field(
            strict=False,
            description="When it paged, the last 20 times.",
            examples=[["2026-01-05T10:00:11Z"]],
        ),
    ] = ()
    last_new_page: Annotated[
        EventTime | None,
        Field(
            description="The page that the last ones repeat, by `policy.repeat_interval`; null: the"
            " last one repeats none.",
            examples=["2026-01-05T10:00:11Z"],
        ),
    ] = None
    causes: Annotated[
        tuple[Cause, ...],
        Field(strict=False, description="By what members join.", examples=[[]]),
    ] = ()
    members: Annotated[
        tuple[Member, ...],
        Field(strict=False, description="Incidents of its models.", examples=[[]]),
    ]
    acknowledgement: Annotated[
        Acknowledgement | None,
        Field(
            description="Who works on it.",
            examples=[{"by": "ana@laptop", "at": "2026-01-05T10:02:00Z"}],
        ),
    ] = None
    silences: Annotated[
        tuple[Text, ...],
        Field(strict=False, description="Silences that cover part of it.", examples=[["5d0e1f"]]),
    ] = ()
    inhibited_by: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            description="Incidents that hide part of it while they are open.",
            examples=[["90ac0b71fe22"]],
        ),
    ] = ()
    timeline: Annotated[
        tuple[TimelineEntry, ...],
        Field(strict=False, description="Its steps, at most 200.", examples=[[]]),
    ] = ()
    commands: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            description="Ids of the last 50 commands about it.",
            examples=[["ana@laptop#1767607200000000"]],
        ),
    ] = ()

    @property
    def open(self) -> bool:
        """Whether it is not resolved."""
        return self.ended is None

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal incidents give equal bytes."""
        return _INCIDENT.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "IncidentState":
        """Deserialise an incident.

        Raises
        ------
        pydantic.ValidationError
            If it is not an `IncidentState` of this major version.
        """
        return cls.model_validate_json(value)


_INCIDENT: Final = TypeAdapter(IncidentState)
