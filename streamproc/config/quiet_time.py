"""The quiet time of `policy.resolve_after`: values, event time, or both."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from streamproc.config.found import shown
from streamproc.schemas.section import Path, refuse, suggest
from streamproc.schemas.units import format_duration, parse_duration

MIN_VALUES: Final = 30
"""Values that a duration takes at least: the level of fewer is known too badly to be judged."""
_MAX_VALUES: Final = 1_000_000_000
_KEYS: Final = ("values", "time")
_EXPECTED: Final = (
    "expected a number of values such as 1000, a duration such as 6h, or both:"
    " {values: 1000, time: 6h}"
)
_COUNT_EXPECTED: Final = f"expected a whole number between 1 and {_MAX_VALUES:,}"


class QuietTime(NamedTuple):
    """How long a series has to be without an alarm; both have to pass.

    Attributes
    ----------
    values
        Non-missing values.
    time
        Event time since the last alarm.
    """

    values: int
    time: timedelta = timedelta()


def parse_quiet_time(value: object) -> QuietTime:
    """Parse a quiet time.

    Parameters
    ----------
    value : int, str, timedelta, mapping or QuietTime
        A number of values; or a duration, of which `MIN_VALUES` values are part; or both as
        `values` and `time`.

    Raises
    ------
    PydanticCustomError
        For anything else; at the key that is wrong.

    Examples
    --------
    >>> parse_quiet_time("6h")
    QuietTime(values=30, time=datetime.timedelta(seconds=21600))
    """
    if isinstance(value, QuietTime):
        return value
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, str | timedelta):
        return QuietTime(MIN_VALUES, _time(value, ()))
    if not isinstance(value, int) or isinstance(value, bool):
        refuse(((), f"{_EXPECTED}, found {shown(value)}"))
    return QuietTime(_count(value, ()))


def format_quiet_time(value: QuietTime) -> int | str | dict[str, int | str]:
    """Format a quiet time in its shortest form.

    Examples
    --------
    >>> format_quiet_time(QuietTime(1000)), format_quiet_time(parse_quiet_time("6h"))
    (1000, '6h')
    """
    if not value.time:
        return value.values
    if value.values == MIN_VALUES:
        return format_duration(value.time)
    return {"values": value.values, "time": format_duration(value.time)}


def _of_mapping(value: Mapping[Any, Any]) -> QuietTime:
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        refuse(*(((str(key),), suggest(str(key), _KEYS)) for key in unknown))
    if not value:
        refuse(((), f"{_EXPECTED}, found {shown(value)}"))
    values = _count(value["values"], ("values",)) if "values" in value else MIN_VALUES
    return QuietTime(values, _time(value.get("time", 0), ("time",)))


def _count(value: object, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_VALUES:
        refuse((path, f"{_COUNT_EXPECTED}, found {shown(value)}"))
    return value


def _time(value: object, path: Path) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        refuse((path, f"{error if path else _EXPECTED}, found {shown(value)}"))


_DURATION_SCHEMA: Final = {
    "title": "duration",
    "type": "string",
    "pattern": r"^\d+(\.\d+)? ?(ms|s|m|h|d|w)$",
}
_COUNT_SCHEMA: Final = {"type": "integer", "minimum": 1, "maximum": _MAX_VALUES}

QuietTimeField: TypeAlias = Annotated[
    QuietTime,
    BeforeValidator(parse_quiet_time),
    PlainSerializer(format_quiet_time),
    WithJsonSchema(
        {
            "anyOf": [
                _COUNT_SCHEMA,
                _DURATION_SCHEMA,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "minProperties": 1,
                    "properties": {
                        "values": _COUNT_SCHEMA,
                        "time": {"anyOf": [_DURATION_SCHEMA, {"type": "number", "minimum": 0}]},
                    },
                },
            ]
        }
    ),
]
"""A number of values, a duration, or both; see `parse_quiet_time`."""
