"""Learn the rules that all rows of a table fulfil."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streamproc.tabular.table import Value

MAX_TEXTS: Final = 50
"""Different texts of a column up to which it has a `set`."""
ROWS_OF_A_TEXT: Final = 20
"""Rows for each different text from which on others are not expected."""
MARGIN: Final = 0.1
"""Part of the width of a range that is added at both ends."""
_MAX_MISSING: Final = 0.9
_THREE: Final = 3.0  # upper confidence limit of 95 % of a rate that was 0 in n rows: 3 / n

LearnedRule = dict[str, Any]
"""A rule as the configuration has it."""


@dataclass(slots=True)
class Column:
    """What is known of a column.

    Attributes
    ----------
    present
        Number of its values.
    min, max
        Of its numbers.
    texts
        Its texts; at most one more than `MAX_TEXTS`.
    has_numbers, has_others
        Whether it has numbers, and values that rules cannot be about, such as lists.
    integers_only
        Whether all of its numbers are integers.
    booleans
        Its values that are true or false.
    """

    present: int = 0
    min: float = math.inf
    max: float = -math.inf
    texts: set[str] = field(default_factory=set)
    has_numbers: bool = False
    has_others: bool = False
    integers_only: bool = True
    booleans: set[bool] = field(default_factory=set)

    def add(self, value: Value) -> None:
        """Take a value that is not missing."""
        self.present += 1
        if isinstance(value, str):
            if len(self.texts) <= MAX_TEXTS:
                self.texts.add(value)
        elif isinstance(value, bool):
            self.booleans.add(value)
        elif isinstance(value, int | float):
            self.has_numbers = True
            self.min, self.max = min(self.min, value), max(self.max, value)
            self.integers_only &= value == int(value)
        else:
            self.has_others = True


def summarise(rows: Iterable[Mapping[str, Value]]) -> tuple[int, dict[str, Column]]:
    """Return the number of rows, and what is known of each column; memory does not grow with rows.

    Examples
    --------
    >>> count, columns = summarise([{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}])
    >>> count, columns["a"].present, sorted(columns["b"].texts)
    (2, 1, ['x', 'y'])
    """
    count, columns = 0, dict[str, Column]()
    for row in rows:
        count += 1
        for name, value in row.items():
            column = columns.setdefault(name, Column())
            missing = value is None or (isinstance(value, float) and not math.isfinite(value))
            if not missing:
                column.add(value)
    return count, columns


def learned(series: str, column: Column, rows: int) -> Iterator[LearnedRule]:
    """Yield the rules that a column fulfils.

    Parameters
    ----------
    series
        What it is in events, such as `feature:amount`.
    column
        What is known of it.
    rows
        Number of rows.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", series.removeprefix("feature:")) or "_"
    most = _rounded_up(_THREE / max(rows, 1))
    kinds = column.has_numbers, bool(column.texts), bool(column.booleans), column.has_others
    if kinds == (True, False, False, False) and column.min < column.max:
        limits = dict(zip(("min", "max"), _range(column), strict=True))
        yield {"name": f"{name}_range", "on": series, "range": limits, "most": most}
    elif kinds in {(False, True, False, False), (False, False, True, False)}:
        values = sorted(column.texts or column.booleans)
        if len(values) <= MAX_TEXTS and column.present >= ROWS_OF_A_TEXT * len(values):
            yield {"name": f"{name}_set", "on": series, "set": values, "most": most}
    missing = 1.0 - column.present / rows if rows else 1.0
    if missing <= _MAX_MISSING:
        spread = _THREE * math.sqrt(missing * (1.0 - missing) / rows)
        share = _rounded_up(missing + spread + _THREE / rows)
        yield {"name": f"{name}_missing", "on": series, "missing": share}


def named_differently(rules: Iterable[LearnedRule]) -> Iterator[LearnedRule]:
    """Yield rules with a number behind names that were there before."""
    taken: set[str] = set()
    for rule in rules:
        name, number = rule["name"], 2
        while name in taken:
            name, number = f"{rule['name']}_{number}", number + 1
        taken.add(name)
        yield rule | {"name": name}


def as_yaml(value: Any) -> str:
    """Write a rule in one line of YAML.

    Examples
    --------
    >>> as_yaml({"name": "a", "set": ["NO", "1e3"], "range": {"min": 0}})
    '{name: "a", set: ["NO", "1e3"], range: {min: 0}}'
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_yaml(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_yaml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _range(column: Column) -> tuple[float, float]:
    """Return the limits with their margin; what is never negative stays so."""
    margin = MARGIN * (column.max - column.min)
    low, high = column.min - margin, column.max + margin
    if column.min >= 0:
        low = max(low, 0.0)
    if column.integers_only:
        return math.floor(low), math.ceil(high)
    return _outwards(low, -1, margin), _outwards(high, 1, margin)


def _outwards(value: float, sign: int, margin: float) -> float:
    """Round a limit away from the values, to two digits of the margin."""
    if not value or not margin:
        return value
    digits = 1 - math.floor(math.log10(margin))
    rounded = round(value + sign * 0.5 * 10.0**-digits, digits)
    return rounded if math.isfinite(rounded) else value


def _rounded_up(share: float) -> float:
    """Round a share up to two digits; below 1."""
    digits = 1 - math.floor(math.log10(share))
    return min(0.99, round(math.ceil(share * 10.0**digits) / 10.0**digits, digits))
