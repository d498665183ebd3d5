"""Define the schemas of deployments: versions of models that began to answer."""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from streamproc.schemas.base import Contract, ModelId, Source, Text
from streamproc.schemas.clip import ClippedMessage, ClippedText
from streamproc.schemas.section import Section
from streamproc.schemas.timestamps import EventTime

DEPLOYMENT_KEY: Final = "deployment:"
"""Key of a deployment on the topic `incidents`: this and its id."""
_ID_BYTES: Final = 6

_Version = Annotated[ClippedText, Field(description="The new version.", examples=["8"])]


class VersionSighting(Contract):
    """A version that a model's events did not have before: an entry of the incident log.

    Events are looked at one in some, so the version began between `after` and `ts`.
    """

    model_id: Annotated[ModelId, Field(description="The model.", examples=["fraud"])]
    model_version: _Version
    previous: Annotated[
        ClippedText | None,
        Field(
            description="The version before; null: events had none.",
            examples=["7"],
        ),
    ] = None
    ts: Annotated[
        EventTime,
        Field(
            description="Time of the first event that was seen with it.",
            examples=["2026-01-05T09:58:00Z"],
        ),
    ]
    after: Annotated[
        EventTime,
        Field(
            description="Time of the last event that was looked at before.",
            examples=["2026-01-05T09:57:50Z"],
        ),
    ]
    source: Annotated[
        Source,
        Field(
            description="The record of the first event that was seen with it.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ]

    def to_json(self) -> bytes:
        """Serialise as compact JSON."""
        return _SIGHTING.dump_json(self)


class AnnounceDeployment(Section):
    """The payload of the command that announces a deployment."""

    model_id: Annotated[ModelId, Field(description="The model.", examples=["fraud"])]
    model_version: Annotated[
        ClippedText, Field(min_length=1, description="The new version.", examples=["8"])
    ]
    at: Annotated[
        EventTime | None,
        Field(description="When; null: now.", examples=["2026-01-05T09:57:00Z"]),
    ] = None
    note: Annotated[
        ClippedMessage, Field(description="What it is.", examples=["trained on December"])
    ] = ""
    by: Annotated[
        Text | None,
        Field(max_length=200, description="Who; null: the issuer.", examples=["ci"]),
    ] = None


class Deployment(Contract):
    """A version of a model that began to answer: a key of the topic `incidents`."""

    deployment_id: Annotated[Text, Field(description="Its id.", examples=["7c1e55d0b2f4"])]
    model_id: Annotated[ModelId, Field(description="The model.", examples=["fraud"])]
    model_version: _Version
    previous: Annotated[
        ClippedText | None,
        Field(
            description="The version before, if events have shown it.",
            examples=["7"],
        ),
    ] = None
    announced: Annotated[
        EventTime | None,
        Field(
            description="When it was to begin, as a person or a program has announced it.",
            examples=["2026-01-05T09:57:00Z"],
        ),
    ] = None
    seen: Annotated[
        EventTime | None,
        Field(
            description="Time of the first event that was seen with it.",
            examples=["2026-01-05T09:58:00Z"],
        ),
    ] = None
    after: Annotated[
        EventTime | None,
        Field(
            description="Time of the last event that was looked at before `seen`.",
            examples=["2026-01-05T09:57:50Z"],
        ),
    ] = None
    release: Annotated[
        Text,
        Field(
            description="Id of the first of the deployments that were released together.",
            examples=["7c1e55d0b2f4"],
        ),
    ]
    release_began: Annotated[
        EventTime, Field(description="When that one began.", examples=["2026-01-05T09:57:00Z"])
    ]
    recorded: Annotated[
        EventTime,
        Field(description="When it became known.", examples=["2026-01-05T09:58:01Z"]),
    ]
    by: Annotated[Text | None, Field(description="Who announced it.", examples=["ci@build"])] = None
    note: Annotated[
        ClippedMessage, Field(description="What it is.", examples=["trained on December"])
    ] = ""
    source: Annotated[
        Source | None,
        Field(
            description="The record of the first event that was seen with it.",
            examples=[{"topic": "predictions", "partition": 0, "offset": 12345}],
        ),
    ] = None
    commands: Annotated[
        tuple[Text, ...],
        Field(strict=False, description="Ids of the last commands about it.", examples=[[]]),
    ] = ()

    @property
    def began(self) -> datetime:
        """When it began: as events show it, else as it was announced."""
        return self.seen or self.announced or self.recorded

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal deployments give equal bytes."""
        return _DEPLOYMENT.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "Deployment":
        """Deserialise a deployment.

        Raises
        ------
        pydantic.ValidationError
            If it is not a `Deployment` of this major version.
        """
        return cls.model_validate_json(value)


_SIGHTING: Final = TypeAdapter(VersionSighting)
_DEPLOYMENT: Final = TypeAdapter(Deployment)


def deployment_id(*parts: str) -> str:
    """Return the id of a deployment: of its model and version, or of the command that tells of it.

    Examples
    --------
    >>> deployment_id("fraud", "8")
    '60b796286add'
    """
    text = json.dumps(parts)
    return hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()
