"""Encode events as Kafka records."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from streamproc.schemas.events import (
    AnyEvent,
    FeatureEvent,
    LabelEvent,
    PredictionEvent,
    parse_event,
)

Stream = Literal["predictions", "features", "labels"]
"""Kinds of the topics that events are sent to."""

_STREAMS: Final[Mapping[type[AnyEvent], Stream]] = {
    PredictionEvent: "predictions",
    FeatureEvent: "features",
    LabelEvent: "labels",
}
_ENCODE: Final = msgspec.json.Encoder().encode  # four times as fast as pydantic's


class Record(NamedTuple):
    """A record to send: kind of its topic, key and value."""

    stream: Stream
    key: bytes
    value: bytes


def to_record(event: AnyEvent | Mapping[str, Any]) -> Record:
    """Validate an event and encode it as JSON.

    Parameters
    ----------
    event
        An event, or a mapping with its fields: with ``label`` it is a LabelEvent, with
        ``prediction`` a PredictionEvent, otherwise a FeatureEvent.

    Raises
    ------
    EventError
        If the mapping is not an event; the message names each invalid field.

    Examples
    --------
    >>> to_record({"model_id": "fraud", "prediction": 0.5})
    Record(stream='predictions', key=b'fraud', value=b'{"model_id":"fraud","prediction":0.5}')
    """
    checked = parse_event(event) if isinstance(event, Mapping) else event
    kind = type(checked)
    # Only fields that were given, without the position that an event was read from.
    given = checked.model_fields_set - {"source"}
    value = _ENCODE({field: value for field, value in checked if field in given})
    return Record(_STREAMS[kind], checked.model_id.encode(), value)
