"""Parse and format event times: RFC 3339, or seconds or milliseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from pydantic import AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# From here on a number is in milliseconds. In seconds it would be the year 5138, in milliseconds it
# is March 1973: no event of a live model is near either.
MILLISECONDS_FROM: Final = 1e11
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH).total_seconds()
_LAST: Final = 253_402_300_799_999  # the last whole millisecond of the year 9999
# What `parse_timestamp` takes, but for 29 February and the ends of years 1 and 9999: validators of
# JSON Schema do not have to check `format`, and then a time without a zone would pass.
_PATTERN: Final = (
    r"^(?!0000|[0-9]{4}-02-3|[0-9]{4}-(0[469]|11)-31)"
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$"
)
_TEXT: Final = {"type": "string", "format": "date-time", "pattern": _PATTERN}
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


def parse_timestamp(value: object) -> datetime:
    """Parse an event's ``ts``.

    Parameters
    ----------
    value : str, int, float or datetime
        RFC 3339 text with an offset from UTC; a number of seconds since 1970-01-01 UTC, or of
        milliseconds if it is 1e11 or more; or an aware ``datetime``. It is rounded to
        microseconds.

    Returns
    -------
    datetime
        The same instant in UTC.

    Raises
    ------
    ValueError
        For anything else, including text without an offset (its zone would be a guess) and leap
        seconds (``datetime`` has none).

    Examples
    --------
    >>> parse_timestamp("2026-01-05T11:00:00+01:00").isoformat()
    '2026-01-05T10:00:00+00:00'
    >>> parse_timestamp(1_767_607_200) == parse_timestamp(1_767_607_200_000)
    True

    References
    ----------
    G. Klyne, C. Newman: Date and Time on the Internet: Timestamps. RFC 3339, 2002.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    msg = "expected RFC 3339 text with an offset, or a number of seconds or milliseconds"
    raise ValueError(msg)


def format_timestamp(value: datetime) -> str:
    """Format a time as RFC 3339 in UTC with six decimals, so that texts sort by time.

    Examples
    --------
    >>> format_timestamp(parse_timestamp("2026-01-05T11:00:00.5+01:00"))
    '2026-01-05T10:00:00.500000Z'
    """
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def _from_text(text: str) -> datetime:
    # msgspec, like the worker's decoder, so that both round and reject alike.
    try:
        return _in_utc(msgspec.convert(text, _Zoned))
    except msgspec.ValidationError as error:
        msg = "expected RFC 3339 with an offset, such as 2026-01-05T10:00:00Z"
        raise ValueError(msg) from error


def _from_number(value: float) -> datetime:
    if not _FIRST <= value <= _LAST:  # NaN fails both comparisons
        msg = "expected seconds, or milliseconds from 1e11 on, of the years 1 to 9999"
        raise ValueError(msg)
    if value >= MILLISECONDS_FROM:
        return EPOCH + timedelta(milliseconds=value)
    return EPOCH + timedelta(seconds=value)


def _in_utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        msg = "expected a datetime with a time zone"
        raise ValueError(msg)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        msg = "expected a time within the years 1 to 9999 in UTC"
        raise ValueError(msg) from error


EventTime = Annotated[
    AwareDatetime,
    BeforeValidator(parse_timestamp),
    WithJsonSchema(
        {"anyOf": [_TEXT, {"type": "number", "minimum": _FIRST, "maximum": _LAST}]},
        mode="validation",
    ),
    PlainSerializer(format_timestamp, return_type=str, when_used="json"),
    WithJsonSchema(_TEXT, mode="serialization"),
]
"""A time; parsed by `parse_timestamp`, formatted by `format_timestamp`."""
