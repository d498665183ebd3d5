"""Detect type changes of features: one odd value is an error, many in a row are a change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from streamproc.decode.event_schema import FeatureType, kind_of

THRESHOLD: Final = 64
"""Consecutive values of one other type that change the type of a feature; embeddings change their
length after as many. A feature that mixes two types evenly reaches it once in 10¹⁹ values."""

Row = tuple[str, str, int, int]
"""(model, feature, type, count)."""


class TypeChangeTracker:
    """Count consecutive values of another type than their feature, in log order.

    While a model has counts, all of its events must be observed: each may reset one.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, tuple[FeatureType, int]]] = {}

    def __contains__(self, model_id: str) -> bool:
        """Whether a model has counts."""
        return model_id in self._counts

    def __iter__(self) -> Iterator[str]:
        """Iterate over the models with counts."""
        return iter(self._counts)

    def __bool__(self) -> bool:
        """Whether any model has counts."""
        return bool(self._counts)

    def observe(
        self,
        model_id: str,
        kinds: Mapping[str, FeatureType],
        features: Mapping[str, Any],
        odd_ones: Mapping[str, Any],
    ) -> dict[str, FeatureType]:
        """Count an event; return the features that change their type with it.

        Parameters
        ----------
        model_id
            Model of the event.
        kinds
            Known types of its features.
        features
            Features of the event.
        odd_ones
            At least those of them with a value of another type.

        Returns
        -------
        dict
            Name → new type.
        """
        odd = {
            name: kind
            for name, value in odd_ones.items()
            if (kind := kind_of(value)) is not kinds.get(name, kind)
            and kind is not FeatureType.NULL is not kinds[name]
        }
        if not odd and model_id not in self._counts:
            return {}
        counts = self._counts.pop(model_id, {})
        for name in [name for name in counts if features.get(name) is not None]:
            if odd.get(name) is not counts[name][0]:
                del counts[name]
        found: dict[str, FeatureType] = {}
        for name, kind in odd.items():
            counts[name] = kind, counts.get(name, (kind, 0))[1] + 1
            if counts[name][1] >= THRESHOLD:
                found[name] = kind
                del counts[name]
        if counts:
            self._counts[model_id] = counts
        return found

    def forget(self, model_id: str) -> None:
        """Drop the counts of a model."""
        self._counts.pop(model_id, None)

    def rows(self) -> list[Row]:
        """Return all counts, for a snapshot."""
        return [
            (model_id, name, kind.value, count)
            for model_id, counts in self._counts.items()
            for name, (kind, count) in counts.items()
        ]

    def load(self, rows: Iterable[Row]) -> None:
        """Load what `rows` returned.

        Raises
        ------
        ValueError
            If a type is unknown.
        """
        for model_id, name, kind, count in rows:
            self._counts.setdefault(model_id, {})[name] = FeatureType(kind), count
