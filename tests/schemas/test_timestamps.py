from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.schemas.timestamps import format_timestamp, parse_timestamp

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T10:00:00Z",
        "2026-01-05t10:00:00z",
        "2026-01-05 10:00:00Z",
        "2026-01-05T10:00:00.000Z",
        "2026-01-05T10:00:00-00:00",
        "2026-01-05T15:30:00+05:30",
        1_767_607_200,
        1_767_607_200.0,
        1_767_607_200_000,
        datetime(2026, 1, 5, 11, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_every_form_of_one_instant_is_the_same_utc_time(written: object) -> None:
    """RFC 3339 with any offset, seconds, milliseconds and aware datetimes agree."""
    assert parse_timestamp(written) == TEN
    assert parse_timestamp(written).tzinfo == UTC


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T10:00:00",
        "2026-01-05",
        "20260105T100000Z",
        "2026-01-05T10:00:60Z",
        "2026-13-05T10:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "1767607200",
        "",
        True,
        None,
        [1],
        float("nan"),
        float("inf"),
        1_767_607_200_000_000,
        -(10**11),
        253_402_300_799_999.99,
        10**400,
        datetime(2026, 1, 5),  # noqa: DTZ001 - that it has no zone is the point
    ],
)
def test_what_would_be_a_guess_is_refused(written: object) -> None:
    """No offset, no such date, microseconds, a boolean: each is an error."""
    with pytest.raises(ValueError, match="expected"):
        parse_timestamp(written)


def test_seconds_become_milliseconds_at_1e11() -> None:
    """The border is where the contract puts it."""
    assert parse_timestamp(10**11 - 1).year == 5138
    assert parse_timestamp(10**11) == datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_written_times_read_back_and_sort(instant: datetime) -> None:
    """What `format_timestamp` writes is the same instant, and has a fixed width."""
    text = format_timestamp(instant)
    assert parse_timestamp(text) == instant
    assert len(text) == len("2026-01-05T10:00:00.000000Z")


@given(st.one_of(st.integers(), st.floats(), st.text(max_size=40), st.binary(), st.booleans()))
def test_anything_else_is_a_value_error(value: object) -> None:
    """No input ends in any other error."""
    try:
        assert parse_timestamp(value).tzinfo == UTC
    except ValueError as error:
        assert str(error).startswith("expected")  # noqa: PT017 - both ends are right
