"""What a parameter of a River class takes, so that it is checked before River is asked."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

Role = Literal[
    "transformer",
    "classifier",
    "regressor",
    "optimizer",
    "scheduler",
    "binary_loss",
    "regression_loss",
    "initializer",
    "detector",
]
"""What a class can stand for in another's parameters."""


@dataclass(frozen=True, slots=True)
class ParamType:
    """What a parameter takes.

    Attributes
    ----------
    low, high
        Smallest and largest number; none is taken when `low` is above `high`.
    above
        Whether `low` itself is refused.
    integer
        Whether only whole numbers are taken.
    choices
        Texts.
    flag
        Whether it is true or false.
    roles
        Classes that may stand here, by what they are for.
    none
        Whether null is taken.
    required
        Whether it must be given.
    seed
        Whether it seeds random numbers, and is then 1 unless given: a replay draws the same.
    """

    low: float = 1
    high: float = 0
    above: bool = False
    integer: bool = False
    choices: tuple[str, ...] = ()
    flag: bool = False
    roles: tuple[Role, ...] = ()
    none: bool = False
    required: bool = False
    seed: bool = False

    @property
    def expected(self) -> str:
        """What is taken, in words."""
        words = [f"`{choice}`" for choice in self.choices]
        if self.low <= self.high:
            left = "above" if self.above else "from"
            kind = "a whole number" if self.integer else "a number"
            words.append(f"{kind} {left} {self.low:g} to {self.high:g}")
        if self.flag:
            words.append("true or false")
        if self.roles:
            words.append(f"a class of River: {' or '.join(self.roles)}")
        if self.none:
            words.append("null")
        return ", ".join(words)

    def takes(self, value: Any) -> bool:
        """Whether a plain value, not a class, is taken."""
        if value is None:
            return self.none
        if isinstance(value, bool):
            return self.flag
        if isinstance(value, str):
            return value in self.choices
        return isinstance(value, int | float) and self._within(value)

    def _within(self, value: float) -> bool:
        return (
            (isinstance(value, int) or not self.integer)
            and math.isfinite(value)
            and (value > self.low if self.above else value >= self.low)
            and value <= self.high
        )


def real(low: float = -1e15, high: float = 1e15, *, above: bool = False) -> ParamType:
    """Take any number of a range."""
    return ParamType(low=low, high=high, above=above)


def integer(low: int = 0, high: int = 10**9) -> ParamType:
    """Take a whole number of a range."""
    return ParamType(low=low, high=high, integer=True)


def or_null(takes: ParamType) -> ParamType:
    """Take null as well."""
    return replace(takes, none=True)


def choice(*choices: str) -> ParamType:
    """Take one of some texts."""
    return ParamType(choices=choices)


def part(*roles: Role, required: bool = False) -> ParamType:
    """Take another class."""
    return ParamType(roles=roles, required=required)


FLAG = ParamType(flag=True)
RATE = real(0, 1e6)
SHARE = real(0, 1)
SEED = ParamType(low=0, high=2**32 - 1, integer=True, seed=True)
