"""The shape of a model's events: which numbers they hold, and how it is learned from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, NamedTuple

from detectors.embedding import OUTPUTS


class Topic(Enum):
    """Which of the watched topics a record is from; they differ in what is required."""

    PREDICTIONS = "predictions"
    FEATURES = "features"
    OUTCOMES = "outcomes"


class Form(Enum):
    """How a model states its predictions."""

    NONE = "none"
    NUMBER = "number"
    CLASSES = "classes"
    LABEL = "label"
    LOSSES = "losses"  # how wrong predictions were: the classes are the names of the series


class Kind(Enum):
    """What a feature holds; NULL: nobody knows yet."""

    NULL = 0
    TEXT = 1
    LIST = 2
    NUMBER = 3


Retyped = Mapping[str, tuple[Kind, Kind]]
"""Features that are something else now: what they were, and what they are."""


class Asked(NamedTuple):
    """What the configuration is asked for a series' detectors with: its names, and its kind.

    An embedding's series go by the embedding's name too.
    """

    names: tuple[str, ...]
    category: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The names and kinds of everything that a model's events hold."""

    numbers: tuple[str, ...] = ()
    others: tuple[tuple[str, Kind], ...] = ()
    form: Form = Form.NONE
    classes: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        """Number of features."""
        return len(self.numbers) + len(self.others)

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the features that are texts."""
        return tuple(name for name, kind in self.others if kind is Kind.TEXT)

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the features that are lists of numbers."""
        return tuple(name for name, kind in self.others if kind is Kind.LIST)

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the features of which it is known what they are."""
        return (*self.numbers, *self.texts, *self.lists)

    def kinds(self) -> dict[str, Kind]:
        """Tell what each feature is."""
        return dict.fromkeys(self.numbers, Kind.NUMBER) | dict(self.others)

    def knows(self, name: str) -> bool:
        """Whether a feature has a place here."""
        return name in self.numbers or any(name == other for other, _ in self.others)

    def series(self) -> tuple[str, ...]:
        """Names of the series that the numbers of one event go to, in their order."""
        plain = (*self.numbers, *self.texts)
        features = (
            *(f"feature:{name}" for name in plain),
            *(f"feature:{name}:{output}" for output in OUTPUTS for name in self.lists),
        )
        if self.form is Form.NUMBER:
            return (*features, "prediction")
        if self.form is Form.LOSSES:
            return self.classes
        return (*features, *(f"prediction:{name}" for name in self.classes))

    def asked(self) -> dict[str, Asked]:
        """Tell of each series of a feature how it is asked for; a plain feature's name wins."""
        lists = {
            f"feature:{name}:{output}": Asked((f"feature:{name}:{output}", f"feature:{name}"))
            for output in OUTPUTS
            for name in self.lists
        }
        texts = {
            name: Asked((name,), category=True) for name in map("feature:{}".format, self.texts)
        }
        numbers = {name: Asked((name,)) for name in map("feature:{}".format, self.numbers)}
        return lists | texts | numbers

    def retyped(self, later: "Shape") -> Retyped:
        """Tell which features are something else in a later shape, and what they were and are."""
        kinds = later.kinds()
        return {
            name: (kind, kinds[name])
            for name, kind in self.kinds().items()
            if kind is not Kind.NULL and kinds[name] is not kind
        }


_KINDS: Final[dict[type, Kind]] = {
    float: Kind.NUMBER,
    bool: Kind.NUMBER,
    str: Kind.TEXT,
    list: Kind.LIST,
    type(None): Kind.NULL,
}


def kind_of(value: object) -> Kind:
    """Tell what the value of a feature is."""
    return _KINDS[value.__class__]


def _grown_features(
    shape: Shape, features: Mapping[str, Any], most: int, retyped: Mapping[str, Kind]
) -> Shape:
    numbers = dict.fromkeys(name for name in shape.numbers if name not in retyped)
    others = {name: kind for name, kind in shape.others if name not in retyped}
    for name, value in features.items():
        if name in numbers or others.get(name, Kind.NULL) is not Kind.NULL:
            continue
        kind = retyped.get(name) or kind_of(value)
        if name not in others and len(numbers) + len(others) >= most:
            continue
        if kind is Kind.NUMBER:
            others.pop(name, None)
            numbers[name] = None
        elif kind is not Kind.NULL or name not in others:
            others[name] = kind
    return replace(shape, numbers=tuple(numbers), others=tuple(others.items()))


def _grown_prediction(shape: Shape, prediction: Any, most: int) -> Shape:
    if prediction is None:
        return replace(shape, form=Form.NONE, classes=())
    if isinstance(prediction, (float, bool)):
        return replace(shape, form=Form.NUMBER, classes=())
    form = Form.LABEL if isinstance(prediction, str) else Form.CLASSES
    known = shape.classes if shape.form is form else ()
    names = [prediction] if isinstance(prediction, str) else list(prediction)
    classes = tuple(dict.fromkeys((*known, *names)))[: max(most, len(known))]
    return replace(shape, form=form, classes=classes)


def grown(
    shape: Shape,
    features: Mapping[str, Any],
    prediction: Any,
    most_features: int,
    most_classes: int,
    retyped: Mapping[str, Kind],
) -> Shape:
    """Return the shape that holds all that `shape` holds and this event too.

    A feature stays what its first value was, unless it is in `retyped`: an event in which it is
    something else misses it. What is past the two caps is left out. The form of the prediction
    is that of the last event.
    """
    return _grown_prediction(
        _grown_features(shape, features, most_features, retyped), prediction, most_classes
    )
