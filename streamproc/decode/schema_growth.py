"""Grow a model's event schema, in time proportional to what is new and not to what is known."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from streamproc.decode.event_schema import KINDS, EventSchema, FeatureType, PredictionForm, kind_of
from streamproc.detectors.series.embedding import OUTPUTS

_ENDINGS: Final = tuple(f":{output}" for output in OUTPUTS)
_NAMED: Final = frozenset({PredictionForm.LABEL, PredictionForm.CLASSES, PredictionForm.NAMED})
_NOTHING: Final[tuple[str, ...]] = ()


class News(NamedTuple):
    """What an event adds to its model's schema.

    Attributes
    ----------
    features
        Types of new features, and of features that were always null until now.
    form
        Form of the predictions, this event's included.
    classes
        Names of new classes.
    """

    features: Mapping[str, FeatureType]
    form: PredictionForm
    classes: tuple[str, ...]

    @property
    def most_series(self) -> int:
        """A bound of the number of series of the additions, without listing them."""
        return len(OUTPUTS) * len(self.features) + len(self.classes) + 1

    def shape(self) -> EventSchema:
        """Return a schema of the additions only."""
        others = tuple(
            [item for item in self.features.items() if item[1] is not FeatureType.NUMBER]
        )
        numbers = [name for name, kind in self.features.items() if kind is FeatureType.NUMBER]
        return EventSchema(tuple(numbers), others, self.form, self.classes)


def form_of(before: PredictionForm, prediction: Any) -> PredictionForm:
    """Return the form that accepts a prediction and all that `before` accepts.

    If versions of a model alternate between forms, one schema accepts all of them: a schema for
    each form would make every alternation as expensive as a new model.
    """
    if prediction is None:
        return before
    if isinstance(prediction, (float, bool)):
        form = PredictionForm.NUMBER
    else:
        form = PredictionForm.LABEL if isinstance(prediction, str) else PredictionForm.CLASSES
    if before is form or before is PredictionForm.NONE:
        return form
    if before in _NAMED and form in _NAMED:
        return PredictionForm.NAMED
    return PredictionForm.MIXED


class Growth:
    """A mutable schema that grows event by event.

    Parameters
    ----------
    shape
        Initial schema.
    max_features, max_classes
        Limits; further features and classes are ignored.

    Attributes
    ----------
    kinds
        Type of each feature.
    """

    def __init__(self, shape: EventSchema, max_features: int, max_classes: int) -> None:
        self.kinds = shape.kinds()
        self._numbers = dict.fromkeys(shape.numbers)
        self._others = dict(shape.others)
        self._form, self._classes = shape.form, dict.fromkeys(shape.classes)
        self._max_features, self._max_classes = max_features, max_classes

    @property
    def form(self) -> PredictionForm:
        """Form of the predictions."""
        return self._form

    def news(self, features: Mapping[str, Any], prediction: Any) -> News | None:
        """Return what an event adds; None if nothing."""
        return news_of(
            (self.kinds, self._form, self._classes),
            (features, prediction),
            self._max_features,
            self._max_classes,
        )

    def add(self, news: News) -> None:
        """Extend the schema."""
        for name, kind in news.features.items():
            self.kinds[name] = kind
            if kind is FeatureType.NUMBER:
                self._others.pop(name, None)
                self._numbers[name] = None
            else:
                self._others[name] = kind
        self._form = news.form
        self._classes |= dict.fromkeys(news.classes)

    def remove(self, names: Mapping[str, Any]) -> None:
        """Remove features."""
        for name in names:
            self.kinds.pop(name, None)
            self._numbers.pop(name, None)
            self._others.pop(name, None)

    def shape(self) -> EventSchema:
        """Return the current schema."""
        return EventSchema(
            tuple(self._numbers), tuple(self._others.items()), self._form, tuple(self._classes)
        )


def unusual(kinds: Mapping[str, FeatureType], features: Mapping[str, Any]) -> dict[str, Any]:
    """Return the features of an event that are new, null, or of another type than known."""
    return {
        name: value
        for name, value in features.items()
        if kinds.get(name) is not KINDS[value.__class__]
    }


def news_of(
    known: tuple[Mapping[str, FeatureType], PredictionForm, Mapping[str, Any]],
    event: tuple[Mapping[str, Any], Any],
    max_features: int,
    max_classes: int,
) -> News | None:
    """Return what an event adds to a schema.

    Parameters
    ----------
    known
        Types of the features, form and classes of the predictions so far.
    event
        Its features, or only the `unusual` ones, and its prediction.
    max_features, max_classes
        Limits; further features and classes are ignored.

    Returns
    -------
    News or None
        None if everything is known or ignored. A feature has the type of its first value.
    """
    kinds, before, classes = known
    features, prediction = event
    found: dict[str, FeatureType] = {}
    free = max_features - len(kinds)
    for name, value in features.items():
        kind = kinds.get(name)
        if kind is None and free > 0:
            free -= 1
            found[name] = kind_of(value)
        elif kind is FeatureType.NULL and value is not None:
            found[name] = kind_of(value)
    form = form_of(before, prediction)
    new = _new_classes(classes, prediction, max_classes)
    return News(found, form, new) if found or new or form is not before else None


def _new_classes(known: Mapping[str, Any], prediction: Any, limit: int) -> tuple[str, ...]:
    if isinstance(prediction, str):
        new = _NOTHING if prediction in known else (prediction,)
    elif isinstance(prediction, dict):  # quicker than `Mapping`
        new = tuple(name for name in prediction if name not in known)
    else:
        return _NOTHING
    return new[: max(0, limit - len(known))]


def clashes(kinds: Mapping[str, FeatureType], news: News) -> bool:
    """Whether a new feature's series may have the same name as a series of an embedding.

    Which one is watched then depends on all features, so the layout must be built at once.
    """
    return any(
        name.endswith(_ENDINGS)
        or (kind is FeatureType.LIST and any(f"{name}{ending}" in kinds for ending in _ENDINGS))
        for name, kind in news.features.items()
    )
