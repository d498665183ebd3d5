"""Give the schema of a model's first event; a deployment starts with many models of one schema."""

from collections.abc import Mapping
from typing import Any, Final

from streamproc.decode.event_schema import EventSchema
from streamproc.decode.schema_growth import Growth, News
from streamproc.decode.structs import MAX_CLASSES

_REMEMBERED: Final = 64
_PLAIN: Final = frozenset({float, bool, type(None)})

Types = tuple[tuple[str, ...], tuple[type, ...], type]


class FirstSchemas:
    """Schemas of first events by the names and types of their fields.

    Parameters
    ----------
    max_features
        Further features are ignored.

    Examples
    --------
    >>> schemas = FirstSchemas(max_features=100)
    >>> news, schema = schemas.of({"amount": 12.5, "country": "DE"}, 0.9)
    >>> schema.series()
    ('feature:amount', 'feature:country', 'prediction')
    """

    def __init__(self, max_features: int) -> None:
        self._max_features = max_features
        self._known: dict[Types, tuple[News | None, EventSchema]] = {}

    def of(self, features: Mapping[str, Any], prediction: Any) -> tuple[News | None, EventSchema]:
        """Return what an event adds to an empty schema, None if nothing, and the schema then."""
        if prediction.__class__ not in _PLAIN:  # its classes are part of the schema
            return self._grown(features, prediction)
        types = tuple(features), tuple(map(type, features.values())), prediction.__class__
        found = self._known.get(types)
        if found is None:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            found = self._known[types] = self._grown(features, prediction)
        return found

    def _grown(
        self, features: Mapping[str, Any], prediction: Any
    ) -> tuple[News | None, EventSchema]:
        growth = Growth(EventSchema(), self._max_features, MAX_CLASSES)
        news = growth.news(features, prediction)
        if news is not None:
            growth.add(news)
        return news, growth.shape()
