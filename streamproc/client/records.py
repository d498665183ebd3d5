"""Encode events as Kafka records."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec

from streamproc.client.event_fields import event_fields, refuse_unknown
from streamproc.schemas.events import (
    AnyEvent,
    EventError,
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
_PLAIN: Final = {str, int, float, bool, list, type(None)}
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
        ``prediction`` a PredictionEvent, otherwise a FeatureEvent. Values of a mapping are
        converted (`event_fields`).

    Raises
    ------
    EventError
        If the mapping is not an event; the message names each invalid field.

    Examples
    --------
    >>> to_record({"model_id": "fraud", "prediction": 0.5})
    Record(stream='predictions', key=b'fraud', value=b'{"model_id":"fraud","prediction":0.5}')
    """
    if not isinstance(event, Mapping):
        return _encoded(event)
    refuse_unknown(event)
    if _is_plain(event.get("features")):
        # Most events need no conversion, which costs half as much again.
        try:
            return _encoded(parse_event(event))
        except (EventError, TypeError):
            pass
    return _encoded(parse_event(event_fields(event)))


def _is_plain(features: object) -> bool:
    """Whether features have JSON types; pydantic makes numbers of NumPy's times, too."""
    if features.__class__ is dict:
        return set(map(type, cast("dict[str, Any]", features).values())) <= _PLAIN
    return features is None


def _encoded(event: AnyEvent) -> Record:
    # Only fields that were given, without the position that an event was read from.
    given = event.model_fields_set - {"source"}
    value = _ENCODE({field: value for field, value in event if field in given})
    return Record(_STREAMS[type(event)], event.model_id.encode(), value)
