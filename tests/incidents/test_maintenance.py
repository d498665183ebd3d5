"""Maintenance windows: silences that come back by a schedule."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from incidents.logs import at, command, fired, only

from streamproc.config.load import load
from streamproc.config.maintenance import MaintenanceWindow
from streamproc.errors import StreamprocError
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.incidents.maintenance import MAINTENANCE, occurrence

HOUR = 3600.0
KEY = f"{MAINTENANCE}reload"


def window(**more: Any) -> MaintenanceWindow:
    """Return a window of an hour that begins an hour after the start of the log, every day."""
    start = at(HOUR)
    cron = f"{start.minute} {start.hour} * * *"
    content = {"name": "reload", "cron": cron, "duration": "1h", **more}
    [found] = load({"maintenance": [content]}).maintenance
    return found


def fold(
    *log: tuple[Entry, float], windows: Iterable[MaintenanceWindow] | None = None
) -> IncidentBook:
    """Apply entries to an empty book with windows."""
    book = IncidentBook(timedelta(), windows=[window()] if windows is None else windows)
    for entry, seconds in log:
        book.apply(entry, at(seconds))
    return book


def test_an_alert_in_a_window_is_silenced_and_pages_when_it_ends() -> None:
    """Nobody is paged while the window is open; what is open at its end pages then."""
    book = fold((fired("fraud"), 1.5 * HOUR))
    assert (only(book).silences, only(book).paged) == ((KEY,), ())
    book.apply(Tick(), at(2 * HOUR))
    assert (only(book).silences, len(only(book).paged)) == ((), 1)


def test_a_window_is_open_every_day() -> None:
    """Its silence is pending, active, and then that of the next day."""
    states = []
    for hours in (0.5, 1.0, 1.9, 2.0, 25.0, 26.0):
        silence = fold((Tick(), hours * HOUR)).silences[KEY]
        states.append((silence.status, (silence.start - at(0)) / timedelta(hours=1)))
    assert states == [
        ("pending", 1), ("active", 1), ("active", 1), ("pending", 25), ("active", 25),
        ("pending", 49),
    ]  # fmt: skip


def test_a_window_covers_only_what_matches() -> None:
    """Alerts of other models page."""
    book = fold((fired("fraud"), 1.5 * HOUR), windows=[window(match={"model": "other"})])
    assert (only(book).silences, len(only(book).paged)) == ((), 1)


@pytest.mark.parametrize("hours", [0.5, 1.2])
def test_a_removed_occurrence_comes_back_the_next_day(hours: float) -> None:
    """`incidents unsilence` ends a window once, before it begins or early."""
    removal = command("silence_remove", silence_id=KEY)
    book = fold((Tick(), 0.1 * HOUR), (removal, hours * HOUR), (Tick(), 1.5 * HOUR))
    assert book.silences[KEY].status == "removed"
    book.apply(Tick(), at(25 * HOUR))
    assert book.silences[KEY].status == "active"


def test_a_new_owner_continues_and_obeys_a_changed_config() -> None:
    """Equal windows change nothing; a changed one replaces its silence, a missing one ends it."""
    before = fold((fired("fraud"), 1.5 * HOUR))
    state = before.incidents.values(), before.silences.values(), before.now

    def owner(windows: Iterable[MaintenanceWindow]) -> IncidentBook:
        book = IncidentBook(timedelta(), *state, windows)
        book.apply(Tick(), at(1.6 * HOUR))
        return book

    assert owner([window()]).take_changes() == {}
    assert owner([window(duration="2h")]).silences[KEY].end == at(3 * HOUR)
    without = owner([])
    assert (without.silences, only(without).silences) == ({}, ())


def test_a_window_begins_by_the_clock_of_its_zone() -> None:
    """At two in Berlin, before and after summer time begins."""
    night = window(cron="0 2 * * *", zone="Europe/Berlin")
    for month, hour in ((3, 1), (6, 0)):
        day = datetime(2026, month, 10, tzinfo=UTC)
        assert occurrence(night, day - timedelta(hours=2)).start == day.replace(hour=hour)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"cron": "0 25 * * *"}, "maintenance[0].cron"),
        ({"cron": "0 2 * *"}, "expected five fields"),
        ({"zone": "Mars"}, "maintenance[0].zone"),
        ({"duration": "10s"}, "maintenance[0].duration"),
        ({"match": {"modle": "x"}}, "maintenance[0].match.modle"),
        ({"match": {"incident": "x"}}, "maintenance[0].match.incident"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], problem: str) -> None:
    """The error names the key of the config."""
    with pytest.raises(StreamprocError) as error:
        window(**change)
    assert problem in str(error.value)


def test_two_windows_of_one_name_are_refused() -> None:
    """Both would be one silence."""
    content = {"name": "reload", "cron": "0 2 * * *", "duration": "1h"}
    with pytest.raises(StreamprocError, match=r"maintenance\[1\]\.name"):
        load({"maintenance": [content, content]})
