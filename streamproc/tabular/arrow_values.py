"""Convert columns of Arrow to values that JSON has."""

from typing import Any, Final

UNREADABLE: Final[dict[str, Any]] = {}
"""In place of a value that JSON does not have: an object, which no field of an event may be."""


def arrow_values(column: Any) -> list[Any]:
    """Return a column's values; Python's times have microseconds.

    Parameters
    ----------
    column
        An array or chunked array of pyarrow. Bytes, durations, unions and the like are
        `UNREADABLE`, and so are times beyond the year 9999.
    """
    import pyarrow as pa  # noqa: PLC0415  an extra

    kind = column.type
    if pa.types.is_timestamp(kind):
        unit = "us" if kind.unit == "ns" else kind.unit
        column = column.cast(pa.timestamp(unit, kind.tz and "UTC"), safe=False)
    elif pa.types.is_float16(kind):
        column = column.cast(pa.float32())
    elif not (_is_plain(kind) or pa.types.is_date(kind)):
        return [UNREADABLE] * len(column)
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):  # a time that Python does not have
        values = [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return UNREADABLE


def _is_plain(kind: Any) -> bool:
    """Whether all values of a type are JSON values."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    of = pa.types
    if of.is_dictionary(kind):
        return _is_scalar(kind.value_type)
    if of.is_list(kind) or of.is_large_list(kind) or of.is_fixed_size_list(kind):
        return _is_plain(kind.value_type) and not of.is_dictionary(kind.value_type)
    if of.is_map(kind):
        return of.is_string(kind.key_type) and _is_scalar(kind.item_type)
    if of.is_struct(kind):
        return all(_is_plain(each.type) and not of.is_dictionary(each.type) for each in kind.fields)
    return _is_scalar(kind)


def _is_scalar(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415  an extra

    of = pa.types
    if of.is_floating(kind):
        return not of.is_float16(kind)
    texts = of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind)
    numbers = of.is_boolean(kind) or of.is_integer(kind) or of.is_decimal(kind)
    return bool(texts or numbers or of.is_null(kind))
