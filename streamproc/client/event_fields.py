"""Convert the fields of an event as applications have them to those of the contract."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from streamproc.schemas.events import (
    EventError,
    FeatureEvent,
    LabelEvent,
    PredictionEvent,
)
from streamproc.schemas.plain_values import plain_value
from streamproc.schemas.section import suggest


class Features(Protocol):
    """Features by name: a mapping, or a row of a data frame."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Return names and values."""


Tags = Mapping[str, Any]
EventId = str | int | UUID
Time = datetime | str | float

_FIELDS: Final = {
    kind: [name for name in kind.model_fields if name != "source"]
    for kind in (FeatureEvent, LabelEvent, PredictionEvent)
}
_KNOWN: Final = frozenset({name for names in _FIELDS.values() for name in names} | {"source"})


def event_fields(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an event with values of the contract's types.

    Values of other libraries are converted (`plain_value`), integer ids and tags become texts, a
    list of numbers as prediction class → probability by index, and a feature that is a list with
    a missing number is missing.

    Examples
    --------
    >>> event_fields({"model_id": "m", "event_id": 7, "features": {"x": float("nan")}})
    {'model_id': 'm', 'event_id': '7', 'features': {'x': None}}
    """
    return {
        name: value if value.__class__ is str else _FIELD.get(name, plain_value)(value)
        for name, value in event.items()
    }


def refuse_unknown(event: Mapping[str, Any]) -> None:
    """Raise an EventError with the closest known names if a field is unknown."""
    if event.keys() <= _KNOWN:
        return
    unknown = [name for name in event if name not in _KNOWN]
    kind: type[FeatureEvent | LabelEvent | PredictionEvent] = FeatureEvent
    if "label" in event or "prediction" in event:
        kind = LabelEvent if "label" in event else PredictionEvent
    known = _FIELDS[kind]
    problems = "; ".join(f"{name}: unknown field: {suggest(str(name), known)}" for name in unknown)
    raise EventError(f"{kind.__name__}: {problems}")


def _features(value: Any) -> Any:
    """Convert features: a mapping, or a row of pandas or Polars, which has items, too."""
    if not isinstance(value, Mapping):
        if value is None or not callable(items := getattr(value, "items", None)):
            return value
        value = dict(items())
    return {str(name): _feature(each) for name, each in value.items()}


def _feature(value: Any) -> Any:
    value = plain_value(value)
    return None if value.__class__ is list and None in value else value


def _text(value: Any) -> Any:
    value = plain_value(value)
    return str(value) if value.__class__ is int else value


def _tags(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {str(name): _text(each) for name, each in value.items()}


def _prediction(value: Any) -> Any:
    value = plain_value(value)
    if value.__class__ is not list:
        return value
    while value.__class__ is list and len(value) == 1:
        [value] = value
    if value.__class__ is not list:
        return value
    return {str(index): each for index, each in enumerate(value)}


def _time(value: Any) -> Any:
    return value if value.__class__ is datetime else plain_value(value)


_FIELD: Final[dict[str, Callable[[Any], Any]]] = {
    "features": _features,
    "prediction": _prediction,
    "event_id": _text,
    "model_version": _text,
    "tags": _tags,
    "ts": _time,
    "source": lambda value: value,
}
