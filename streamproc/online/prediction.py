"""Encode a prediction as an `OnlinePrediction`, without validation, for speed."""

from datetime import UTC, datetime

import msgspec

from streamproc.schemas.model_updates import OnlinePrediction
from streamproc.schemas.timestamps import format_timestamp


class SourcePosition(msgspec.Struct, gc=False):
    """Where the record lies that asked."""

    topic: str
    partition: int
    offset: int


class ModelPrediction(msgspec.Struct, gc=False):
    """The fields of an `OnlinePrediction`."""

    model_id: str
    event_id: str | None
    ts: datetime | str
    segment: dict[str, str] | None
    prediction: float | bool | str | None
    probabilities: dict[str, float] | None
    version: int
    learned: int
    source: SourcePosition

    def to_json(self) -> bytes:
        """Write it as the contract's model would, ten times faster."""
        ts = self.ts
        # Of whole seconds the encoder leaves the six decimals out.
        if not isinstance(ts, str) and (ts.tzinfo is not UTC or not ts.microsecond):
            self.ts = format_timestamp(ts)
        return _ENCODER.encode(self)

    def event(self) -> OnlinePrediction:
        """Give the contract's model."""
        return OnlinePrediction.from_json(self.to_json())


_ENCODER = msgspec.json.Encoder()
