"""Define the schema of alerts."""

import math
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, TypeAdapter

from streamproc.schemas.alert_marks import UNMARKED, AlertMarks
from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.timestamps import EventTime

Status = Literal["pending", "firing", "updated", "settled", "resolved", "acknowledged", "silenced"]
"""Status of an incident. `pending`: a detector alarmed on a series whose values depend on each
other, where alarms come without a change; it pages nobody, and becomes `firing` once confirmed.
`settled`: the series is quiet on another level than before; the incident stays open. `resolved`:
see `Reason`."""

Reason = Literal["recovered", "accepted", "superseded"]
"""Why an incident is resolved. `recovered`: it is as before. `accepted`: a person, or
`policy.accept_after`, accepted the level that it settled at. `superseded`: another incident
continues it, or what it is about is not watched any more."""

PUBLISHED_STATUSES: Final[tuple[Status, ...]] = ("firing", "updated", "settled", "resolved")
"""The statuses that webhooks get by default. Workers also publish `pending`; the others are
reserved."""

Kind = Literal[
    "data",
    "prediction",
    "concept",
    "performance",
    "quality",
    "rule",
    "silence",
    "blind",
    "system",
]
"""What an alert is about. `silence`: a model sends no events. `rule`: events violate a rule of the
configuration."""

Severity = Literal["info", "warning", "critical"]
"""How urgent an incident is."""

MORE_SEVERE: Final[dict[Severity, Severity]] = {
    "info": "warning",
    "warning": "critical",
    "critical": "critical",
}
"""The next step of each severity."""


def _finite_or_none(value: object) -> object:
    """Replace NaN and infinity by null: JSON has neither, and an alert must be published."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measure = Annotated[float | None, BeforeValidator(_finite_or_none)]
"""A finite number or null; NaN and infinity become null."""


class Summary(Contract):
    """Summary of consecutive values of a series, in the unit of the series.

    Examples
    --------
    >>> Summary(n=3, mean=2.0, std=float("inf")).std is None
    True
    """

    n: Annotated[int, Field(ge=0, description="How many values.", examples=[2000])]
    mean: Annotated[Measure, Field(description="Their mean.", examples=[41.2])] = None
    std: Annotated[Measure, Field(description="Their standard deviation.", examples=[18.0])] = None


class ChangePoint(Contract):
    """Estimated position of the change."""

    ts: Annotated[
        EventTime | None,
        Field(description="Event time of the change.", examples=["2026-01-05T09:58:00.000000Z"]),
    ] = None
    offset: Annotated[
        int, Field(ge=0, description="Offset of the record where it began.", examples=[12000])
    ]


class Contributor(Contract):
    """A series with its share of the change: one of the same incident, or one that explains it."""

    series: Annotated[ClippedText, Field(description="The series.", examples=["feature:amount"])]
    share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Its part of the sum of all their changes, 0 to 1, each measured in the"
            " standard deviations that its series had before. Of an incident of errors: the part"
            " of the increase that the feature explains.",
            examples=[0.8],
        ),
    ]


class AlertEvent(Contract):
    """One step of an incident: firing, updated, settled or resolved.

    All fields but ``detected_at`` are a pure function of the log and the configuration.

    Examples
    --------
    >>> alert = AlertEvent(
    ...     alert_id="a1", incident_id="i1", status="firing", model_id="fraud", kind="data",
    ...     series="feature:amount", detector="adwin", message="amount rose from 41.2 to 4120",
    ...     ts="2026-01-05T10:00:00Z", detected_at="2026-01-05T10:00:01Z",
    ...     source={"topic": "predictions", "partition": 0, "offset": 12345},
    ... )
    >>> AlertEvent.from_json(alert.to_json()) == alert
    True
    """

    alert_id: Annotated[
        Text,
        Field(
            description="The same for the same input and config, on any machine and after any"
            " crash: drop what you have seen.",
            examples=["5f0c9a7e21b84d36"],
        ),
    ]
    incident_id: Annotated[
        Text,
        Field(
            description="Identifies the incident: it joins the alerts of all series of the model"
            " with changes that had started when its first alert was published.",
            examples=["0b71fe2290ac"],
        ),
    ]
    status: Annotated[
        Status,
        Field(
            description="Where it stands; `acknowledged` and `silenced` are reserved.",
            examples=["firing"],
        ),
    ]
    reason: Annotated[
        Reason | None,
        Field(
            description="Of `resolved`: `recovered`, as before; `accepted`, another level that was"
            " accepted; `superseded`, another incident continues it or it is no longer watched.",
            examples=["recovered"],
        ),
    ] = None
    model_id: Annotated[ModelId, Field(description="Which model it is about.", examples=["fraud"])]
    model_version: Annotated[
        ClippedText | None, Field(description="The model's version at that event.", examples=["7"])
    ] = None
    kind: Annotated[
        Kind,
        Field(
            description="What sort of thing changed; `silence`: a model sends no events; `rule`:"
            " events violate a rule of the configuration.",
            examples=["data"],
        ),
    ]
    series: Annotated[
        ClippedText,
        Field(
            description="`feature:<name>`, `prediction` or `prediction:<class>`, `error`,"
            " `metric:<name>`, `quality:<name>`, `rule:<name>`, `events` (when they arrive and"
            " how many), or `features` (several together).",
            examples=["feature:amount"],
        ),
    ]
    segment: Annotated[
        dict[ClippedText, ClippedText] | None,
        Field(description="The part of the events meant; null: all.", examples=[{"region": "eu"}]),
    ] = None
    detector: Annotated[Text, Field(description="What noticed it.", examples=["adwin"])]
    severity: Annotated[Severity, Field(description="How urgent it is.", examples=["warning"])] = (
        "warning"
    )
    owner: Annotated[
        ClippedText | None, Field(description="Who should hear of it.", examples=["risk-oncall"])
    ] = None
    message: Annotated[
        ClippedMessage,
        Field(
            description="A sentence that a person on call understands.",
            examples=["amount rose from 41.2 to 4120"],
        ),
    ]
    ts: Annotated[
        EventTime,
        Field(
            description="Event time of the value that gave the alarm.",
            examples=["2026-01-05T10:00:00.000000Z"],
        ),
    ]
    detected_at: Annotated[
        EventTime,
        Field(
            description="Wall clock of the worker; the only field that a replay may change.",
            examples=["2026-01-05T10:00:00.012000Z"],
        ),
    ]
    change_point: Annotated[
        ChangePoint | None,
        Field(
            description="Since when.",
            examples=[{"ts": "2026-01-05T09:58:00.000000Z", "offset": 12000}],
        ),
    ] = None
    source: Annotated[
        Source,
        Field(
            description="The record that gave the alarm.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ]
    statistic: Annotated[
        Measure, Field(description="What the detector measured.", examples=[0.42])
    ] = None
    threshold: Annotated[Measure, Field(description="Above which it alarms.", examples=[0.11])] = (
        None
    )
    before: Annotated[
        Summary | None,
        Field(
            description="The values before the change.",
            examples=[{"n": 2000, "mean": 41.2, "std": 18.0}],
        ),
    ] = None
    after: Annotated[
        Summary | None,
        Field(
            description="The values since the change.",
            examples=[{"n": 160, "mean": 4120.0, "std": 1800.0}],
        ),
    ] = None
    contributors: Annotated[
        list[Contributor] | None,
        Field(
            description="The series that have fired in the incident so far, the 20 largest of them,"
            " largest share first; null: only this one. Of an incident of errors that features"
            " explain: these features.",
            examples=[[{"series": "feature:amount", "share": 0.8}]],
        ),
    ] = None
    runbook: Annotated[
        Text | None,
        Field(description="What to do about it.", examples=["https://wiki.example.org/fraud"]),
    ] = None
    _marks: AlertMarks = PrivateAttr(default=UNMARKED)

    @property
    def silenced_by(self) -> tuple[str, ...]:
        """Ids of the silences that covered the alert when it was published.

        They are in a header of its record, not in its value: empty unless
        `streamproc.client.Alerts` has read it.
        """
        return self._marks.silenced_by

    @property
    def inhibited_by(self) -> tuple[str, ...]:
        """Ids of the incidents that hid its series when it was published; see `silenced_by`."""
        return self._marks.inhibited_by

    def marked(self, marks: AlertMarks) -> "AlertEvent":
        """Return the alert with the marks of its record."""
        found = self.model_copy()
        found._marks = marks  # noqa: SLF001  of the copy
        return found

    def to_json(self) -> bytes:
        """Serialise the alert as compact JSON.

        Returns
        -------
        bytes
            UTF-8, with all fields (missing ones are null) and times in RFC 3339 with ``Z`` and six
            decimals. Equal alerts give equal bytes.
        """
        return _JSON.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "AlertEvent":
        """Deserialise an alert that this or a later minor version wrote.

        Raises
        ------
        pydantic.ValidationError
            If it is not an `AlertEvent` of this major version.
        """
        return cls.model_validate_json(value)


_JSON: Final = TypeAdapter(AlertEvent)
