from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.schemas.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("1.5h", 5400),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("10 m", 600),
        (600, 600),
        (0.5, 0.5),
        (0, 0),
        (timedelta(hours=1), 3600),
    ],
)
def test_durations_are_read_in_every_unit(written: object, seconds: float) -> None:
    """A number with a unit, or a number of seconds."""
    assert parse_duration(written).total_seconds() == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", "10", "m", "-1m", "10M", "10 min", "1h30m", "٣m", "1e3s", "999999999999999w"),
        *(-1, 10**400, float("nan"), float("inf"), True, None, [], timedelta(days=-1)),
    ],
)
def test_other_durations_are_refused(written: object) -> None:
    """The message gives examples, or the range."""
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(written)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=36_525)))
def test_a_written_duration_reads_back(value: timedelta) -> None:
    """`format_duration` loses nothing."""
    assert abs(parse_duration(format_duration(value)) - value) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("written", "size"),
    [("512B", 512), ("4MiB", 4_194_304), ("1.5KiB", 1536), ("4 MB", 4_000_000), (7, 7)],
)
def test_sizes_are_read_in_every_unit(written: object, size: int) -> None:
    """Binary and decimal units, or bytes."""
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "4", "4mib", "0.3B", "-1MiB", 1.0, True, None])
def test_other_sizes_are_refused(written: object) -> None:
    """The message gives examples."""
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(written)


@given(st.integers(min_value=1, max_value=2**40))
def test_a_written_size_reads_back(value: int) -> None:
    """`format_size` loses nothing."""
    assert parse_size(format_size(value)) == value
