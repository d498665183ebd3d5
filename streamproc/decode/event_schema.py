"""The shape of a model's events: which numbers they hold, and how it is learned from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from detectors.series.embedding import OUTPUTS


class Topic(Enum):
    """Which of the watched topics a record is from; they differ in what is required."""

    PREDICTIONS = "predictions"
    FEATURES = "features"
    OUTCOMES = "outcomes"


class PredictionForm(Enum):
    """How a model states its predictions."""

    NONE = "none"
    NUMBER = "number"
    CLASSES = "classes"
    LABEL = "label"
    NAMED = "named"  # a label or probabilities of classes, by turns
    MIXED = "mixed"  # a number, and by turns a label or probabilities of classes
    LOSSES = "losses"  # how wrong predictions were: the classes are the names of the series


class FeatureType(Enum):
    """What a feature holds; NULL: nobody knows yet."""

    NULL = 0
    TEXT = 1
    LIST = 2
    NUMBER = 3


Retyped = Mapping[str, tuple[FeatureType, FeatureType]]
"""Features that are something else now: what they were, and what they are."""


class WatchKey(NamedTuple):
    """What the configuration is asked for a series' detectors with: its names, and its kind.

    An embedding's series go by the embedding's name too.
    """

    names: tuple[str, ...]
    category: bool = False


def asked_of(name: str, kind: FeatureType) -> dict[str, WatchKey]:
    """Tell of each series of a feature of a kind how it is asked for."""
    series = f"feature:{name}"
    if kind is FeatureType.NULL:
        return {}
    if kind is not FeatureType.LIST:
        return {series: WatchKey((series,), category=kind is FeatureType.TEXT)}
    return {f"{series}:{output}": WatchKey((f"{series}:{output}", series)) for output in OUTPUTS}


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The names and kinds of everything that a model's events hold."""

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
        """Names of the features that are texts."""
        return tuple(name for name, kind in self.others if kind is FeatureType.TEXT)

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the features that are lists of numbers."""
        return tuple(name for name, kind in self.others if kind is FeatureType.LIST)

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the features of which it is known what they are."""
        return (*self.numbers, *self.texts, *self.lists)

    def kinds(self) -> dict[str, FeatureType]:
        """Tell what each feature is."""
        return dict.fromkeys(self.numbers, FeatureType.NUMBER) | dict(self.others)

    def series(self) -> tuple[str, ...]:
        """Names of the series that the numbers of one event go to, in their order."""
        plain = (*self.numbers, *self.texts)
        features = (
            *(f"feature:{name}" for name in plain),
            *(f"feature:{name}:{output}" for output in OUTPUTS for name in self.lists),
        )
        if self.form is PredictionForm.LOSSES:
            return self.classes
        number = ("prediction",) if self.has_number else ()
        return (*features, *number, *(f"prediction:{name}" for name in self.classes))

    def asked(self) -> dict[str, WatchKey]:
        """Tell of each series of a feature how it is asked for; a plain feature's name wins."""
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
        """Tell which features are something else in a later shape, and what they were and are."""
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
    """Tell what the value of a feature is."""
    return KINDS[value.__class__]
