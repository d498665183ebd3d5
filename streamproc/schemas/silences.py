"""Define the schema of silences, and match alerts with them."""

import re
from datetime import datetime
from fnmatch import translate
from functools import lru_cache
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, TypeAdapter

from streamproc.schemas.base import Contract, Text
from streamproc.schemas.clip import ClippedMessage
from streamproc.schemas.section import Section
from streamproc.schemas.timestamps import EventTime

SILENCE_KEY: Final = "silence:"
"""Key of a silence on the topic `incidents`: this and its id."""

Glob = Annotated[str, Field(min_length=1, max_length=1000)]


class Subject(NamedTuple):
    """What matchers look at: a series of a model, as an alert describes it."""

    model: str
    series: str
    owner: str | None
    kind: str
    severity: str
    incident: str | None


class SeriesMatchers(Section):
    """Globs that all have to match; `*` also matches a missing owner. Unknown keys are refused."""

    model: Annotated[Glob, Field(description="Of the model's id.", examples=["fraud*"])] = "*"
    feature: Annotated[
        Glob,
        Field(
            description="Of the feature's name; of other series, of the series.",
            examples=["fx_rate"],
        ),
    ] = "*"
    owner: Annotated[Glob, Field(description="Of the owner.", examples=["risk-*"])] = "*"
    kind: Annotated[Glob, Field(description="Of the alert's kind.", examples=["data"])] = "*"
    severity: Annotated[Glob, Field(description="Of the severity.", examples=["warning"])] = "*"

    def __str__(self) -> str:
        """Return those that are set, such as `feature=fx_rate model=fraud*`."""
        given = {key: glob for key, glob in self if glob not in {None, "*"}}
        return " ".join(f"{key}={glob}" for key, glob in sorted(given.items())) or "all"


class Matchers(SeriesMatchers):
    """What a silence covers: series that match, of all incidents or of one.

    Examples
    --------
    >>> fx = Subject("fraud", "feature:fx_rate", None, "data", "warning", None)
    >>> Matchers(model="fr*", feature="fx_*").match(fx), Matchers(owner="risk*").match(fx)
    (True, False)
    """

    incident: Annotated[
        Text | None,
        Field(description="Only this incident; null: all.", examples=["0b71fe2290ac"]),
    ] = None

    def match(self, subject: Subject) -> bool:
        """Whether all of them match."""
        return (
            self.incident in {None, subject.incident}
            and _matches(self.model, subject.model)
            and _matches(self.feature, feature_of(subject.series))
            and _matches(self.owner, subject.owner or "")
            and _matches(self.kind, subject.kind)
            and _matches(self.severity, subject.severity)
        )


class Silence(Contract):
    """Nobody is paged for what matches, from `start` to `end`."""

    silence_id: Annotated[Text, Field(description="Its id.", examples=["5d0e1f22a0b1"])]
    status: Annotated[
        Literal["pending", "active", "expired", "removed"],
        Field(description="Where it stands.", examples=["active"]),
    ]
    matchers: Annotated[
        Matchers, Field(description="What it covers.", examples=[{"feature": "fx_rate"}])
    ]
    start: Annotated[EventTime, Field(description="From when.", examples=["2026-01-05T10:00:00Z"])]
    end: Annotated[EventTime, Field(description="Until when.", examples=["2026-01-05T12:00:00Z"])]
    comment: Annotated[ClippedMessage, Field(description="Why.", examples=["provider maintenance"])]
    author: Annotated[Text, Field(description="Who set it last.", examples=["ana@laptop"])]
    updated: Annotated[
        EventTime, Field(description="When this was written.", examples=["2026-01-05T10:00:00Z"])
    ]
    commands: Annotated[
        tuple[Text, ...],
        Field(strict=False, description="Ids of the last commands about it.", examples=[[]]),
    ] = ()

    def covers(self, subject: Subject, at: datetime) -> bool:
        """Whether it holds at a time and matches."""
        return (
            self.status != "removed"
            and self.start <= at < self.end
            and self.matchers.match(subject)
        )

    def to_json(self) -> bytes:
        """Serialise as compact JSON; equal silences give equal bytes."""
        return _SILENCE.dump_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> "Silence":
        """Deserialise a silence.

        Raises
        ------
        pydantic.ValidationError
            If it is not a `Silence` of this major version.
        """
        return cls.model_validate_json(value)


_SILENCE: Final = TypeAdapter(Silence)


def feature_of(series: str) -> str:
    """Return the feature's name of `feature:<name>` or `quality:<name>`, else the series.

    Examples
    --------
    >>> feature_of("feature:fx_rate"), feature_of("prediction")
    ('fx_rate', 'prediction')
    """
    kind, colon, name = series.partition(":")
    return name if colon and kind in {"feature", "quality"} else series


def _matches(glob: str, value: str) -> bool:
    return glob == "*" or _pattern(glob).match(value) is not None


@lru_cache(maxsize=16_384)  # fnmatch caches 256; there may be a thousand silences
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))
