"""Describe the schema of a model's events: feature types and prediction form."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from streamproc.detectors.series.embedding import OUTPUTS


class Topic(Enum):
    """The watched topics; each requires other fields of its events."""

    PREDICTIONS = "predictions"
    FEATURES = "features"
    OUTCOMES = "outcomes"


class PredictionForm(Enum):
    """The form of a model's predictions."""

    NONE = "none"
    NUMBER = "number"
    CLASSES = "classes"
    LABEL = "label"
    NAMED = "named"  # labels and class probabilities, mixed
    MIXED = "mixed"  # numbers, labels and class probabilities, mixed
    LOSSES = "losses"  # losses of predictions; the classes are the names of the series


class FeatureType(Enum):
    """The type of a feature; NULL: only null so far."""

    NULL = 0
    TEXT = 1
    LIST = 2
    NUMBER = 3


Retyped = Mapping[str, tuple[FeatureType, FeatureType]]
"""Features that changed their type: name → (old type, new type)."""


class WatchKey(NamedTuple):
    """Lookup key for the detectors of a series in the configuration.

    Attributes
    ----------
    names
        Names that a `watch` entry may use; a series of an embedding has the embedding's name too.
    category
        Whether the values are categories.
    """

    names: tuple[str, ...]
    category: bool = False


def asked_of(name: str, kind: FeatureType) -> dict[str, WatchKey]:
    """Return the lookup key of each series that a feature of a type has."""
    series = f"feature:{name}"
    if kind is FeatureType.NULL:
        return {}
    if kind is not FeatureType.LIST:
        return {series: WatchKey((series,), category=kind is FeatureType.TEXT)}
    return {f"{series}:{output}": WatchKey((f"{series}:{output}", series)) for output in OUTPUTS}


@dataclass(frozen=True, slots=True)
class EventSchema:
    """Names and types of the features, and form and classes of the predictions, of a model.

    Attributes
    ----------
    numbers
        Names of the numeric features, in order of appearance.
    others
        (name, type) of all other features.
    form
        Form of the predictions.
    classes
        Names of the classes, in order of appearance.
    """

    numbers: tuple[str, ...] = ()
    others: tuple[tuple[str, FeatureType], ...] = ()
    form: PredictionForm = PredictionForm.NONE
    classes: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        """Number of features."""
        return len(self.numbers) + len(self.others)

    @property
    def has_number(self) -> bool:
        """Whether a prediction may be a number."""
        return self.form in {PredictionForm.NUMBER, PredictionForm.MIXED}

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the categorical features."""
        return tuple(name for name, kind in self.others if kind is FeatureType.TEXT)

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the embeddings."""
        return tuple(name for name, kind in self.others if kind is FeatureType.LIST)

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the features of known type."""
        return (*self.numbers, *self.texts, *self.lists)

    def kinds(self) -> dict[str, FeatureType]:
        """Return the type of each feature."""
        return dict.fromkeys(self.numbers, FeatureType.NUMBER) | dict(self.others)

    def series(self) -> tuple[str, ...]:
        """Return the names of the series that an event has values for, in matrix order."""
        if self.form is PredictionForm.LOSSES:
            return self.classes
        found = [f"feature:{name}" for name in self.numbers]
        if self.others:
            found += [f"feature:{name}" for name in self.texts]
            lists = self.lists
            found += [f"feature:{name}:{output}" for output in OUTPUTS for name in lists]
        if self.has_number:
            found.append("prediction")
        found += [f"prediction:{name}" for name in self.classes]
        return tuple(found)

    def asked(self) -> dict[str, WatchKey]:
        """Return the lookup key of each feature series.

        A plain feature takes precedence over an embedding's series of the same name.
        """
        found: dict[str, WatchKey] = {}
        for names, kind in (
            (self.lists, FeatureType.LIST),
            (self.texts, FeatureType.TEXT),
            (self.numbers, FeatureType.NUMBER),
        ):
            for name in names:
                found |= asked_of(name, kind)
        return found

    def retyped(self, later: "EventSchema") -> Retyped:
        """Return the features with another type in a later schema."""
        kinds = later.kinds()
        return {
            name: (kind, kinds[name])
            for name, kind in self.kinds().items()
            if kind is not FeatureType.NULL and kinds[name] is not kind
        }


KINDS: Final[dict[type, FeatureType]] = {
    float: FeatureType.NUMBER,
    bool: FeatureType.NUMBER,
    str: FeatureType.TEXT,
    list: FeatureType.LIST,
    type(None): FeatureType.NULL,
}


def kind_of(value: object) -> FeatureType:
    """Return the type of a feature's value."""
    return KINDS[value.__class__]
