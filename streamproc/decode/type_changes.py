"""Values of another kind than their feature has: one is a mistake, many in a row are a change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from streamproc.decode.event_schema import FeatureType, kind_of

THRESHOLD: Final = 64
"""Values of another kind, with none of its own between them, that make a feature that kind: as many
as make an embedding another length. A feature that mixes two kinds evenly gets there once in 10¹⁹
values."""

Row = tuple[str, str, int, int]
"""Model, feature, kind and count."""


class TypeChangeTracker:
    """Counts them, in the order of the log.

    All events of a model that has some must be shown: any of them may end the row.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, tuple[FeatureType, int]]] = {}

    def __contains__(self, model_id: str) -> bool:
        """Whether a model has some."""
        return model_id in self._counts

    def __iter__(self) -> Iterator[str]:
        """Give the models that have some."""
        return iter(self._counts)

    def __bool__(self) -> bool:
        """Whether any model has some."""
        return bool(self._counts)

    def observe(
        self,
        model_id: str,
        kinds: Mapping[str, FeatureType],
        features: Mapping[str, Any],
        odd_ones: Mapping[str, Any],
    ) -> dict[str, FeatureType]:
        """Look at an event; return the features that are something else from it on.

        Parameters
        ----------
        model_id
            Whose event.
        kinds
            What its features are so far.
        features
            Of the event.
        odd_ones
            Those of them that are not what they are so far, and perhaps others.
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
        """Forget those of a model."""
        self._counts.pop(model_id, None)

    def rows(self) -> list[Row]:
        """Return all counts, for a snapshot."""
        return [
            (model_id, name, kind.value, count)
            for model_id, counts in self._counts.items()
            for name, (kind, count) in counts.items()
        ]

    def load(self, rows: Iterable[Row]) -> None:
        """Go on from what `rows` gave.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        for model_id, name, kind, count in rows:
            self._counts.setdefault(model_id, {})[name] = FeatureType(kind), count
