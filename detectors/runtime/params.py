"""What a parameter is, and how a wrong one is refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from streamproc.detectors.errors import ParameterError

Value = int | float | str


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its type, range and meaning.

    Attributes
    ----------
    name, description
        What it is called and what it does.
    default
        The detector's own default, for raw values. Its type is the type of
        the parameter; an int is accepted for a float.
    low, high
        Smallest and largest number allowed.
    above, below
        Whether `low` itself, or `high` itself, is refused.
    choices
        Strings allowed.
    """

    name: str
    default: Value
    description: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> type[Value]:
        """`int`, `float` or `str`."""
        return type(self.default)

    @property
    def allowed(self) -> str:
        """The range in words, for messages and docs."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        left = "(" if self.above else "["
        right = ")" if self.below or self.high == math.inf else "]"
        return f"{self.kind.__name__} in {left}{self.low:g}, {self.high:g}{right}"

    def check(self, value: object) -> Value:
        """Return the value in this parameter's type.

        Parameters
        ----------
        value
            Anything.

        Raises
        ------
        ParameterError
            If type or range is wrong; the message names the parameter, what is
            allowed and what was given.
        """
        if isinstance(value, str) and value in self.choices:
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and not self.choices and self._within(value):  # type: ignore[arg-type]
            return float(value) if self.kind is float else value  # type: ignore[arg-type,return-value]
        msg = f"{self.name}: expected {self.allowed}, got {value!r}"
        raise ParameterError(msg)

    def _within(self, value: float) -> bool:
        return (
            (self.kind is float or isinstance(value, int))
            and math.isfinite(value)
            and (value > self.low if self.above else value >= self.low)
            and (value < self.high if self.below else value <= self.high)
        )


def check_params(
    owner: str, schema: tuple[Param, ...], given: Mapping[str, object]
) -> dict[str, Value]:
    """Check some parameters against a schema.

    Parameters
    ----------
    owner
        Whose they are, for the message.
    schema
        All that exist.
    given
        Name → value.

    Returns
    -------
    dict
        The same, each in its parameter's type.

    Raises
    ------
    ParameterError
        If one is unknown, of the wrong type or out of its range.
    """
    known = {param.name: param for param in schema}
    checked = {}
    for name, value in given.items():
        if name not in known:
            msg = f"{owner}.{name}: unknown; {owner} has {', '.join(known)}"
            raise ParameterError(msg)
        try:
            checked[name] = known[name].check(value)
        except ParameterError as error:
            msg = f"{owner}.{error}"
            raise ParameterError(msg) from None
    return checked
