from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.sinks.retry import (
    MAX_RETRY_AFTER,
    MAX_SECONDS,
    Backoff,
    Verdict,
    asked_seconds,
    judge,
)

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        (Verdict.DELIVERED, (200, 201, 202, 204, 299)),
        (Verdict.REFUSED, (400, 401, 403, 404, 410, 413, 422, 451)),
        (Verdict.LATER, (408, 425, 429, 500, 502, 503, 504, 599)),
    ],
)
def test_what_a_status_means(verdict: Verdict, statuses: tuple[int, ...]) -> None:
    """What would be wrong the next time too is refused; what may pass is tried again."""
    assert {judge(status) for status in statuses} == {verdict}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("7", 7.0),
        ("1" * 5000, MAX_RETRY_AFTER),
        ("٣", 0.0),
        ("Mon, 05 Jan 2026 10:01:30 GMT", 90.0),
        ("Mon, 05 Jan 2026 09:00:00 GMT", 0.0),
        ("Mon, 05 Jan 2026 10:01:30 -0000", 0.0),
        ("Mon, 99 Jan 2026 10:01:30 GMT", 0.0),
    ],
)
def test_when_a_target_wants_to_be_asked_again(text: str | None, seconds: float) -> None:
    """Seconds and dates are understood, and nonsense is nothing asked for."""
    assert asked_seconds(text, NOW) == seconds


@given(st.text(max_size=60))
def test_no_header_is_an_error(text: str) -> None:
    """Whatever a target writes there, it is a number of seconds."""
    assert asked_seconds(text, NOW) >= 0


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=200))
def test_pauses_grow_and_have_an_end(asked: list[float]) -> None:
    """No pause is shorter than the one before unless that was asked for, none beyond the cap."""
    patience = Backoff()
    own = 0.0
    for seconds in asked:
        pause = patience.failed(0.0, seconds)
        assert own <= pause <= max(MAX_SECONDS, MAX_RETRY_AFTER)
        assert pause >= min(seconds, MAX_RETRY_AFTER)
        own = max(own, min(pause, MAX_SECONDS) if pause > seconds else own)
    assert patience.left(0.0) == pause
    patience.answered()
    assert patience.left(0.0) == 0.0
    assert patience.failed(5.0) == 1.0
    assert patience.left(5.25) == 0.75
    assert patience.left(99.0) == 0.0
