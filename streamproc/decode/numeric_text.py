"""Recognise features whose numbers are sent as text, such as decimals of Debezium."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from streamproc.decode.event_schema import FeatureType
from streamproc.decode.lenient_numbers import as_number

FIRST_VALUES: Final = 64
"""Values of a text feature that must all be numbers for it to be taken for one."""
MIN_DISTINCT: Final = 17
"""Different ones among them; fewer are codes of categories, such as "1", "2" and "3"."""

_FRACTION: Final = re.compile(r"[.eE]")

Row = tuple[str, str, int, tuple[str, ...]]
"""(model, feature, values so far, the different ones among them)."""


class NumericTextTracker:
    """Count the first values of text features that began with a number, in log order.

    While a model has such features, all of its events must be observed.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, tuple[int, dict[str, None]]]] = {}

    def __contains__(self, model_id: str) -> bool:
        """Whether a model has features that are not decided."""
        return model_id in self._counts

    def __iter__(self) -> Iterator[str]:
        """Iterate over the models with features that are not decided."""
        return iter(self._counts)

    def begin(self, model_id: str, features: Mapping[str, Any]) -> None:
        """Start to count those of some new features whose first value is a number as text."""
        for name, value in features.items():
            if isinstance(value, str) and as_number(value) is not None:
                counts = self._counts.setdefault(model_id, {})
                counts[name] = 1, {value: None}

    def observe(
        self, model_id: str, kinds: Mapping[str, FeatureType], features: Mapping[str, Any]
    ) -> dict[str, bool]:
        """Count an event; return the features whose first values have all been numbers.

        The value is True if some are decimal fractions. Integers may as well be codes, such as
        postcodes, which the text cannot tell.

        Parameters
        ----------
        model_id
            Model of the event.
        kinds
            Known types of its features.
        features
            Features of the event.
        """
        counts = self._counts[model_id]
        decided: dict[str, bool] = {}
        for name in list(counts):
            value = features.get(name)
            if value is None and name in kinds:
                continue
            is_number = isinstance(value, float) or (
                isinstance(value, str) and as_number(value) is not None
            )
            if not is_number or kinds.get(name) is not FeatureType.TEXT:
                del counts[name]
                continue
            count, distinct = counts[name]
            if len(distinct) < MIN_DISTINCT:
                distinct[str(value)] = None
            counts[name] = count + 1, distinct
            if count + 1 >= FIRST_VALUES:
                del counts[name]
                if len(distinct) >= MIN_DISTINCT:
                    decided[name] = any(map(_FRACTION.search, distinct))
        if not counts:
            del self._counts[model_id]
        return decided

    def forget(self, model_id: str) -> None:
        """Drop the counts of a model."""
        self._counts.pop(model_id, None)

    def rows(self) -> list[Row]:
        """Return all counts, for a snapshot."""
        return [
            (model_id, name, count, tuple(distinct))
            for model_id, counts in self._counts.items()
            for name, (count, distinct) in counts.items()
        ]

    def load(self, rows: Iterable[Row]) -> None:
        """Load what `rows` returned."""
        for model_id, name, count, distinct in rows:
            self._counts.setdefault(model_id, {})[name] = count, dict.fromkeys(distinct)
