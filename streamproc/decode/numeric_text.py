"""Recognise features whose numbers are sent as text, such as decimals of Debezium."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from streamproc.decode.event_schema import FeatureType, PredictionForm
from streamproc.decode.foreign_numbers import is_foreign_number
from streamproc.decode.lenient import Note
from streamproc.decode.lenient_numbers import as_number

FIRST_VALUES: Final = 64
"""Values of a text feature that must all be numbers for it to be taken for one."""
MIN_DISTINCT: Final = 17
"""Different ones among them; fewer are codes of categories, such as "1", "2" and "3"."""
MAX_WORDS: Final = 3
"""Different texts among the first values that are not numbers; more are those of a category."""
_MISSING: Final = frozenset(
    {"", "-", "?", "na", "n/a", "#n/a", "nan", "nil", "none", "null", "undefined", "\\n"}
)
"""What producers write where a number is missing, in lower case; the last one is Hive's."""

_FRACTION: Final = re.compile(r"[.eE]")
_WITH_NUMBER: Final = frozenset({PredictionForm.NUMBER, PredictionForm.MIXED})
_WITH_CLASSES: Final = frozenset({PredictionForm.LABEL, PredictionForm.NAMED})

Row = tuple[str, str, int, tuple[str, ...]]
"""(model, feature, values so far, the different ones among them)."""


class NumericTextTracker:
    """Count the first values of text features that began with a number or without a value.

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
        """Start to count those of some new features that begin with a number, or a word for none.

        In log order, as all counts.
        """
        for name, value in features.items():
            if isinstance(value, str) and ((number := _is_number(value)) or _is_missing(value)):
                counts = self._counts.setdefault(model_id, {})
                counts[name] = 1, {value: None} if number else {}

    def observe(
        self, model_id: str, kinds: Mapping[str, FeatureType], features: Mapping[str, Any]
    ) -> dict[str, str]:
        """Count an event; return the features whose first values have been numbers.

        The value is `fractions` if some are decimal fractions, `integers` if none is, which may as
        well be codes, such as postcodes; `words` if there are a few other texts among fractions; or
        one of the values that look like numbers and are in no notation that is converted. Words
        such as N/A count as missing.

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
        decided: dict[str, str] = {}
        for name in list(counts):
            value = features.get(name)
            if value is None and name in kinds:
                continue
            if not isinstance(value, float | str) or kinds.get(name) is not FeatureType.TEXT:
                del counts[name]
                continue
            count, distinct = counts[name]
            _add(str(value), distinct)
            counts[name] = count + 1, distinct
            words = [text for text in distinct if not _is_number(text)]
            if len(words) > MAX_WORDS:
                del counts[name]
            elif count + 1 >= FIRST_VALUES:
                del counts[name]
                if len(distinct) - len(words) >= MIN_DISTINCT:
                    decided[name] = _notation(distinct.keys() - words, has_words=bool(words))
        if not counts:
            del self._counts[model_id]
        return {name: notation for name, notation in decided.items() if notation}

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


def _is_number(text: str) -> bool:
    return as_number(text) is not None or is_foreign_number(text)


def _is_missing(text: str) -> bool:
    return text.strip().lower() in _MISSING


def _add(text: str, distinct: dict[str, None]) -> None:
    """Add one of the first texts; of numbers, no more than are needed."""
    if _is_missing(text):
        return
    numbers = MIN_DISTINCT + MAX_WORDS
    if len(distinct) < numbers or is_foreign_number(text) or not _is_number(text):
        distinct[text] = None


def _notation(texts: Iterable[str], *, has_words: bool) -> str:
    """Return what some numbers are; empty if nothing is to be reported."""
    foreign = next(filter(is_foreign_number, texts), None)
    has_fractions = any(map(_FRACTION.search, texts))
    if has_words:
        return foreign or ("words" if has_fractions else "")
    return foreign or ("fractions" if has_fractions else "integers")


def note_of(name: str, notation: str, *, is_named: bool) -> Note:
    """Return what to report of a feature of texts; it is a number if its values are converted.

    `is_named` is whether the configuration names it as a number.
    """
    field = f"feature {name!r}"
    if notation not in {"fractions", "integers", "words"}:
        return Note("foreign", field, notation)
    if notation != "fractions" and not is_named:
        return Note("mixed" if notation == "words" else "ambiguous", field, "text")
    return Note("coerced", field, "text")


def read_prediction(text: str, form: PredictionForm) -> tuple[float | None, Note | None]:
    """Return the number that a prediction such as "0.93" is, and what to report of it.

    Parameters
    ----------
    text
        The prediction.
    form
        What the model's predictions are; integers of new models are labels.

    Examples
    --------
    >>> read_prediction("0.93", PredictionForm.NONE)[0]
    0.93
    >>> read_prediction("3", PredictionForm.NONE)
    (None, None)
    """
    number = as_number(text)
    if number is None:
        is_foreign = form in _WITH_CLASSES and is_foreign_number(text)
        return None, Note("foreign", "`prediction`", text) if is_foreign else None
    is_decimal = form is PredictionForm.NONE and not number.is_integer()
    if is_decimal or form in _WITH_NUMBER:
        return number, Note("coerced", "`prediction`", "text")
    return None, None
