"""The budget for false alarms of a deployment, such as ``1 a week``."""

import re
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from streamproc.config.found import shown
from streamproc.config.partition_shares import parts
from streamproc.schemas.section import refuse

_PATTERN: Final = r"(\d{1,7}(?:\.\d{1,6})?) (?:a|per) (day|week|month)"
_BUDGET: Final = re.compile(_PATTERN, re.ASCII)
_DAYS: Final = {"day": 1, "week": 7, "month": 30}
_EXPECTED: Final = "expected a number of false alarms such as 1 a week, 2 a day or 0.5 a month"


class Budget(NamedTuple):
    """How many false alarms all detectors of a deployment may raise together.

    Attributes
    ----------
    alarms
        Number of false alarms, above 0.
    period
        In which they are expected; a month has 30 days.
    """

    alarms: float
    period: Literal["day", "week", "month"]

    @property
    def per_week(self) -> float:
        """Number of false alarms in seven days.

        Examples
        --------
        >>> Budget(2, "day").per_week
        14.0
        """
        return 7.0 * self.alarms / _DAYS[self.period]

    def of_partition(self, kind: str, partitions: int) -> float:
        """Return the share of one partition of a watched topic, in false alarms a week.

        Parameters
        ----------
        kind : str
            ``predictions``, ``features`` or ``outcomes``.
        partitions : int
            Number of partitions of the topic.

        Examples
        --------
        >>> Budget(1, "week").of_partition("outcomes", 8)
        0.03125
        """
        return self.per_week / parts(kind, partitions)


def parse_budget(value: object) -> Budget:
    """Parse a budget.

    Parameters
    ----------
    value : str or Budget
        A number above 0, ``a`` or ``per``, and ``day``, ``week`` or ``month``.

    Raises
    ------
    PydanticCustomError
        For anything else; the message gives examples.

    Examples
    --------
    >>> parse_budget("1 a week")
    Budget(alarms=1.0, period='week')
    """
    if isinstance(value, Budget):
        return value
    match = _BUDGET.fullmatch(value) if isinstance(value, str) else None
    if match is None or not float(match[1]):
        refuse(((), f"{_EXPECTED}, found {shown(value)}"))
    period: Literal["day", "week", "month"] = match[2]  # type: ignore[assignment]
    return Budget(float(match[1]), period)


def format_budget(value: Budget) -> str:
    """Format a budget as it is written.

    Examples
    --------
    >>> format_budget(Budget(0.5, "month"))
    '0.5 a month'
    """
    return f"{value.alarms:.6f}".rstrip("0").rstrip(".") + f" a {value.period}"


BudgetField: TypeAlias = Annotated[
    Budget,
    BeforeValidator(parse_budget),
    PlainSerializer(format_budget),
    WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN}$"}),
]
"""A number of false alarms in a day, week or month; see `parse_budget`."""
