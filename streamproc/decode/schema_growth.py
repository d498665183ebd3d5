"""How the shape of a model's events grows: in the time of what is new, not of what is known."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from detectors.series.embedding import OUTPUTS
from streamproc.decode.event_schema import KINDS, EventSchema, FeatureType, PredictionForm, kind_of

_ENDINGS: Final = tuple(f":{output}" for output in OUTPUTS)
_NAMED: Final = frozenset({PredictionForm.LABEL, PredictionForm.CLASSES, PredictionForm.NAMED})
_NOTHING: Final[tuple[str, ...]] = ()


class News(NamedTuple):
    """What an event has that its model's shape does not.

    Attributes
    ----------
    features
        Kinds of new features, and of features that were always null until now.
    form
        Of the predictions up to this event and with it.
    classes
        Names of new classes.
    """

    features: Mapping[str, FeatureType]
    form: PredictionForm
    classes: tuple[str, ...]

    def shape(self) -> EventSchema:
        """Return the shape of what is new alone."""
        kinds = self.features.items()
        return EventSchema(
            tuple(name for name, kind in kinds if kind is FeatureType.NUMBER),
            tuple(item for item in kinds if item[1] is not FeatureType.NUMBER),
            self.form,
            self.classes,
        )


def form_of(before: PredictionForm, prediction: Any) -> PredictionForm:
    """Return the form that takes a prediction, and all that `before` takes.

    A model whose versions answer in different forms by turns keeps one shape: with a shape for
    each form, every turn would cost as much as a new model.
    """
    if prediction is None:
        return before
    if isinstance(prediction, (float, bool)):
        form = PredictionForm.NUMBER
    else:
        form = PredictionForm.LABEL if isinstance(prediction, str) else PredictionForm.CLASSES
    if before in {PredictionForm.NONE, form}:
        return form
    if before in _NAMED and form in _NAMED:
        return PredictionForm.NAMED
    return PredictionForm.MIXED


class Growth:
    """The shape of a model's events, that grows event by event.

    Parameters
    ----------
    shape
        To begin with.
    max_features, max_classes
        What is beyond is left out.

    Attributes
    ----------
    kinds
        What each feature is.
    """

    def __init__(self, shape: EventSchema, max_features: int, max_classes: int) -> None:
        self.kinds = shape.kinds()
        self._numbers = dict.fromkeys(shape.numbers)
        self._others = dict(shape.others)
        self._form, self._classes = shape.form, dict.fromkeys(shape.classes)
        self._max_features, self._max_classes = max_features, max_classes

    def news(self, features: Mapping[str, Any], prediction: Any) -> News | None:
        """Tell what of an event is new; None: nothing."""
        return news_of(
            (self.kinds, self._form, self._classes),
            (features, prediction),
            self._max_features,
            self._max_classes,
        )

    def add(self, news: News) -> None:
        """Grow by what is new."""
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
        """Forget features."""
        for name in names:
            self.kinds.pop(name, None)
            self._numbers.pop(name, None)
            self._others.pop(name, None)

    def shape(self) -> EventSchema:
        """Return the shape as it is now."""
        return EventSchema(
            tuple(self._numbers), tuple(self._others.items()), self._form, tuple(self._classes)
        )


def unusual(kinds: Mapping[str, FeatureType], features: Mapping[str, Any]) -> dict[str, Any]:
    """Return the features of an event that are new, missing, or not what they always were."""
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
    """Tell what of an event is new.

    Parameters
    ----------
    known
        Kinds of the features, form and classes of the predictions so far.
    event
        Its features, or those of them that are `unusual`, and its prediction.
    max_features, max_classes
        What is beyond is left out.

    Returns
    -------
    News or None
        None: all of it is known, or left out. A feature stays what its first value was.
    """
    kinds, before, classes = known
    features, prediction = event
    found: dict[str, FeatureType] = {}
    room = max_features - len(kinds)
    for name, value in features.items():
        kind = kinds.get(name)
        if kind is None and room > 0:
            room -= 1
            found[name] = kind_of(value)
        elif kind is FeatureType.NULL and value is not None:
            found[name] = kind_of(value)
    form = form_of(before, prediction)
    new = _new_classes(classes, prediction, max_classes)
    return News(found, form, new) if found or new or form is not before else None


def _new_classes(known: Mapping[str, Any], prediction: Any, most: int) -> tuple[str, ...]:
    if isinstance(prediction, str):
        new = _NOTHING if prediction in known else (prediction,)
    elif isinstance(prediction, Mapping):
        new = tuple(name for name in prediction if name not in known)
    else:
        return _NOTHING
    return new[: max(0, most - len(known))]


def clashes(kinds: Mapping[str, FeatureType], news: News) -> bool:
    """Whether a new feature's series has, or may have, the name of one of an embedding's series.

    Which of them has the name is decided with all of the features in view.
    """
    return any(
        name.endswith(_ENDINGS)
        or (kind is FeatureType.LIST and any(f"{name}{ending}" in kinds for ending in _ENDINGS))
        for name, kind in news.features.items()
    )
