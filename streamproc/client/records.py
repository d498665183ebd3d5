"""Events as records of Kafka."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter

from streamproc.contract.events import (
    AnyEvent,
    FeatureEvent,
    LabelEvent,
    PredictionEvent,
    parse_event,
)

Stream = Literal["predictions", "features", "labels"]
"""The topics that events go to, by their name in the contract."""

_STREAMS: Final[Mapping[type[AnyEvent], Stream]] = {
    PredictionEvent: "predictions",
    FeatureEvent: "features",
    LabelEvent: "labels",
}
_WRITE: Final = {kind: TypeAdapter(kind).dump_json for kind in _STREAMS}


class Record(NamedTuple):
    """A record to be sent: which topic, by its name in the contract, its key and its value."""

    stream: Stream
    key: bytes
    value: bytes


def to_record(event: AnyEvent | Mapping[str, Any]) -> Record:
    """Check an event and write it as JSON.

    Parameters
    ----------
    event
        An event of the contract, or a mapping that describes one: with ``label`` it is a
        LabelEvent, else with ``prediction`` a PredictionEvent, else a FeatureEvent.

    Raises
    ------
    EventError
        When the mapping is not an event; the message names each field that is wrong.

    Examples
    --------
    >>> to_record({"model_id": "fraud", "prediction": 0.5})
    Record(stream='predictions', key=b'fraud', value=b'{"model_id":"fraud","prediction":0.5}')
    """
    checked = parse_event(event) if isinstance(event, Mapping) else event
    kind = type(checked)
    # Only what was given: a null that nobody wrote would say "missing" of a whole field. Where an
    # event was read once is no part of it.
    value = _WRITE[kind](checked, exclude_unset=True, exclude={"source"})
    return Record(_STREAMS[kind], checked.model_id.encode(), value)
