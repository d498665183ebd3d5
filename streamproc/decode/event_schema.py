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


class Form(Enum):
    """How a model states its predictions."""

    NONE = "none"
    NUMBER = "number"
    CLASSES = "classes"
    LABEL = "label"
    NAMED = "named"  # a label or probabilities of classes, by turns
    MIXED = "mixed"  # a number, and by turns a label or probabilities of classes
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


def asked_of(name: str, kind: Kind) -> dict[str, Asked]:
    """Tell of each series of a feature of a kind how it is asked for."""
    series = f"feature:{name}"
    if kind is Kind.NULL:
        return {}
    if kind is not Kind.LIST:
        return {series: Asked((series,), category=kind is Kind.TEXT)}
    return {f"{series}:{output}": Asked((f"{series}:{output}", series)) for output in OUTPUTS}


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
    def has_number(self) -> bool:
        """Whether a prediction may be a number."""
        return self.form in {Form.NUMBER, Form.MIXED}

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

    def series(self) -> tuple[str, ...]:
        """Names of the series that the numbers of one event go to, in their order."""
        plain = (*self.numbers, *self.texts)
        features = (
            *(f"feature:{name}" for name in plain),
            *(f"feature:{name}:{output}" for output in OUTPUTS for name in self.lists),
        )
        if self.form is Form.LOSSES:
            return self.classes
        number = ("prediction",) if self.has_number else ()
        return (*features, *number, *(f"prediction:{name}" for name in self.classes))

    def asked(self) -> dict[str, Asked]:
        """Tell of each series of a feature how it is asked for; a plain feature's name wins."""
        found: dict[str, Asked] = {}
        for names, kind in (
            (self.lists, Kind.LIST),
            (self.texts, Kind.TEXT),
            (self.numbers, Kind.NUMBER),
        ):
            for name in names:
                found |= asked_of(name, kind)
        return found

    def retyped(self, later: "Shape") -> Retyped:
        """Tell which features are something else in a later shape, and what they were and are."""
        kinds = later.kinds()
        return {
            name: (kind, kinds[name])
            for name, kind in self.kinds().items()
            if kind is not Kind.NULL and kinds[name] is not kind
        }


KINDS: Final[dict[type, Kind]] = {
    float: Kind.NUMBER,
    bool: Kind.NUMBER,
    str: Kind.TEXT,
    list: Kind.LIST,
    type(None): Kind.NULL,
}


def kind_of(value: object) -> Kind:
    """Tell what the value of a feature is."""
    return KINDS[value.__class__]
