"""Convert values of other libraries to JSON values, without importing those libraries."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

_AS_THEY_ARE: Final = frozenset({str, bool, int, type(None)})
# How arrays, tensors, series and scalars give their Python values: NumPy, pandas and PyTorch;
# Polars; Arrow's arrays and scalars.
_CONVERSIONS: Final = ("tolist", "to_list", "to_pylist", "as_py", "item")
# pandas' missing value. It has no truth value, so it cannot be recognised by comparison.
_MISSING: Final = frozenset({"NAType", "NaTType"})
_MAX_STEPS: Final = 3  # an object array holds scalars, which hold a value


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it; None for NaN, ``NaT`` and ``NA``.

    Parameters
    ----------
    value
        A JSON value, or a scalar, array or series of NumPy, pandas, Polars or Arrow, a `Decimal`,
        `UUID`, `datetime` or `date`, a tuple or a mapping of these.

    Returns
    -------
    object
        Numbers, texts (RFC 3339 of times), booleans, lists, dictionaries and None; what is none of
        these is returned unchanged.

    Examples
    --------
    >>> plain_value((Decimal("12.50"), float("nan"), UUID(int=7), date(2026, 1, 5)))
    [12.5, None, '00000000-0000-0000-0000-000000000007', '2026-01-05']
    """
    return _plain(value, _MAX_STEPS)


def _plain(value: Any, steps: int) -> Any:
    kind = value.__class__
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return value if value == value else None  # noqa: PLR0124  NaN
    if kind is list or kind is tuple:
        return [_plain(each, steps) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(each, steps) for name, each in value.items()}
    return _converted(value, steps)


def _converted(value: Any, steps: int) -> Any:
    if value.__class__.__name__ in _MISSING:
        return None
    for kind, convert in _TYPES:
        if isinstance(value, kind):
            return convert(value)
    for name in _CONVERSIONS if steps else ():
        if callable(method := getattr(value, name, None)):
            return _plain(_of_datetime64(value, method), steps - 1)
    return value


def _of_datetime64(value: Any, method: Callable[[], Any]) -> Any:
    """Call the conversion; NumPy gives integers for nanoseconds, whose unit would be lost."""
    if getattr(getattr(value, "dtype", None), "kind", None) == "M" and hasattr(value, "astype"):
        return value.astype("datetime64[us]").tolist()
    return method()


def _number(value: Decimal) -> float | None:
    return None if value.is_nan() else float(value)


_TYPES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (float, lambda value: _plain(float(value), 0)),  # NumPy's, which is a subclass
    (str, str.__str__),  # of an enumeration, its value
    (int, int),
    (Decimal, _number),
    (UUID, str),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
)
