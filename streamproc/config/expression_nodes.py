"""The nodes of a parsed expression of a rule."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

Origin = Literal["feature", "prediction", "class", "tag"]
"""What a name stands for; `class`: the prediction of a class."""


class Reference(NamedTuple):
    """A name: a feature, the prediction or that of a class, or a tag.

    Attributes
    ----------
    origin, name
        What it stands for.
    text
        Whether it is compared with texts; otherwise its values are numbers, true and false.
    """

    origin: Origin
    name: str
    text: bool = False

    def __str__(self) -> str:
        if self.origin in {"feature", "prediction"}:
            return self.name
        return f"tags.{self.name}" if self.origin == "tag" else f"prediction:{self.name}"


class Constant(NamedTuple):
    """A number or a text."""

    value: float | str


class Negative(NamedTuple):
    """A number with the other sign."""

    value: "Value"


class Arithmetic(NamedTuple):
    """Two numbers with ``+ - * / %`` between them."""

    operator: str
    left: "Value"
    right: "Value"


Value: TypeAlias = Reference | Constant | Negative | Arithmetic


class _Condition:
    """What holds for an event, or does not."""

    __slots__ = ()

    def references(self) -> tuple[Reference, ...]:
        """Return the names in it, each once, in their order."""
        return tuple(dict.fromkeys(_references(self)))


class _Comparison(NamedTuple):
    operator: str
    left: Value
    right: Value


class Comparison(_Comparison, _Condition):
    """Two values with ``== != < <= > >=`` between them."""

    __slots__ = ()


class _Membership(NamedTuple):
    value: Value
    among: tuple[float | str, ...]
    negated: bool


class Membership(_Membership, _Condition):
    """A value and constants that it is, or is not, among."""

    __slots__ = ()


class _Not(NamedTuple):
    condition: "Condition"


class Not(_Not, _Condition):
    """The contrary of a condition."""

    __slots__ = ()


class _Parts(NamedTuple):
    parts: "tuple[Condition, ...]"


class And(_Parts, _Condition):
    """Conditions that all have to hold."""

    __slots__ = ()


class Or(_Parts, _Condition):
    """Conditions of which one has to hold."""

    __slots__ = ()


Condition: TypeAlias = Comparison | Membership | Not | And | Or


def _references(node: Any) -> Iterator[Reference]:
    if isinstance(node, Reference):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _references(part)
