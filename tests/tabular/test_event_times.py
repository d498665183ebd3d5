from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamproc.schemas.timestamps import parse_timestamp
from streamproc.tabular.event_times import EventTimes

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "form", "zone", "expected"),
    [
        ("2026-01-05T12:00:00Z", None, BERLIN, "2026-01-05T12:00:00Z"),
        ("2026-01-05 12:00:00", None, UTC, "2026-01-05T12:00:00+00:00"),
        ("2026-01-05 12:00", None, BERLIN, "2026-01-05T12:00:00+01:00"),
        ("2026-07-05", None, BERLIN, "2026-07-05T00:00:00+02:00"),
        (1767607200.0, None, BERLIN, 1767607200.0),
        ("1/5/2026 3:04 PM", "us", UTC, "2026-01-05T15:04:00+00:00"),
        ("01/05/2026 12:00:01.5 am", "us", UTC, "2026-01-05T00:00:01.500000+00:00"),
        ("5.1.2026", "eu", BERLIN, "2026-01-05T00:00:00+01:00"),
        ("05-01-2026, 23:59", "eu", UTC, "2026-01-05T23:59:00+00:00"),
        (46027.5, "excel", UTC, "2026-01-05T12:00:00+00:00"),
        ("46027", "excel", BERLIN, "2026-01-05T00:00:00+01:00"),
        ("20260105", "%Y%m%d", UTC, "2026-01-05T00:00:00+00:00"),
        ("05Jan2026 +0100", "%d%b%Y %z", UTC, "2026-01-05T00:00:00+01:00"),
        (datetime(2026, 1, 5), None, UTC, "2026-01-05T00:00:00+00:00"),  # noqa: DTZ001
    ],
)
def test_a_time_of_a_file_is_a_time_of_an_event(
    value: object, form: str | None, zone: Any, expected: object
) -> None:
    """Times without a zone get that of --tz; formats are named, ISO 8601 is not."""
    found = EventTimes(zone, form).read(value)
    assert found == expected
    assert parse_timestamp(found)


@pytest.mark.parametrize(
    ("value", "form", "message"),
    [
        ("01/02/2026", None, "--ts-format us or eu"),
        ("13/02/2026", None, "--ts-format us or eu"),
        ("13/02/2026", "us", "month"),
        ("soon", "eu", "not a time of --ts-format eu"),
        ("-1", "excel", "not a day"),
        ("x", "%Y", "does not match format"),
    ],
)
def test_a_time_that_may_be_two_is_refused(value: str, form: str | None, message: str) -> None:
    """Whether the day or the month is first is never guessed."""
    with pytest.raises(ValueError, match=message):
        EventTimes(UTC, form).read(value)


def test_what_times_were_taken_for_is_remembered() -> None:
    """The command's last line says it."""
    times = EventTimes(BERLIN)
    for value in ("2026-01-05", "2026-01-05 12:00:00", 7.0, "2026-01-05T12:00:00Z", "2026-01-06"):
        times.read(value)
    assert times.taken == {
        "dates in Europe/Berlin": 2,
        "times without a zone in Europe/Berlin": 1,
        "seconds or milliseconds": 1,
        "times with a zone": 1,
    }
