"""An outcome as learners read it."""

import msgspec

from streamproc.contract.outcomes import OutcomeStatus
from streamproc.core.typed import EventTime, Feature, Prediction


class Observed(msgspec.Struct, gc=False, kw_only=True):
    """The fields of an `OutcomeEvent` that learning needs, in a form that is read fast."""

    model_id: str
    event_id: str
    status: OutcomeStatus
    revision: int = 0
    epoch: int = 0
    ts: EventTime = None
    features: dict[str, Feature] | None = None
    prediction: Prediction | None = None
    label: float | bool | str | None = None
    tags: dict[str, str] | None = None
    model_version: str | None = None


_DECODER = msgspec.json.Decoder(Observed)


def read(value: bytes) -> Observed:
    """Read an outcome.

    Raises
    ------
    msgspec.MsgspecError
        When it is none.
    """
    return _DECODER.decode(value)
