"""Where an alert comes from, and what follows from that: its id, times and source."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

import msgspec

from streamproc.config.model import ModelConfig
from streamproc.schemas.base import Source
from streamproc.schemas.timestamps import EPOCH

__all__ = ["Origin", "OriginFields", "OwnerFields", "from_epoch", "identity", "owner_fields"]


class OriginFields(TypedDict):
    """Fields of an alert that follow from its origin."""

    ts: datetime
    detected_at: datetime
    source: Source


class OwnerFields(TypedDict):
    """Fields of an alert that name who acts on it, and how."""

    owner: str | None
    runbook: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """The event that an alert comes from.

    Parameters
    ----------
    topic, partition, offset
        Its record.
    index
        Its place in a record of several events.
    ts
        Event time in seconds since 1970.
    model_version
        Version of the model; None if the event has none.
    """

    topic: str
    partition: int
    offset: int
    index: int
    ts: float
    model_version: str | None

    @property
    def source(self) -> Source:
        """The record."""
        return Source(topic=self.topic, partition=self.partition, offset=self.offset)

    def fields(self, now: datetime) -> OriginFields:
        """Return the fields of an alert from here; `now`: the wall clock."""
        return {
            "ts": from_epoch(self.ts),
            "detected_at": now,
            "source": self.source,
        }


def identity(parts: tuple[str, ...], origin: Origin) -> str:
    """Derive an id from where an alert comes from, and from nothing else."""
    where = origin.topic, origin.partition, origin.offset, origin.index
    return hashlib.blake2b(msgspec.json.encode((*parts, *where)), digest_size=16).hexdigest()


def from_epoch(ts: float) -> datetime:
    """Return the time of a number of seconds since 1970."""
    return EPOCH + timedelta(seconds=ts)


def owner_fields(config: ModelConfig) -> OwnerFields:
    """Return who acts on the alerts of a model, and how."""
    return {"owner": config.owner, "runbook": config.runbook}
