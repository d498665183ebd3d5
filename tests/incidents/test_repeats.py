"""What still fires, and nobody has acknowledged, pages again."""

from datetime import timedelta

import pytest
from incidents.logs import WAIT, at, command, fired, later, only, steps

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.schemas.incidents import IncidentState

HOUR = 3600.0


def fold(*log: tuple[Entry, float]) -> IncidentState:
    """Return the incident of a log, with pages that repeat each hour."""
    book = IncidentBook(WAIT, repeat_interval=timedelta(hours=1))
    for entry, seconds in log:
        book.apply(entry, at(seconds))
    return only(book)


def test_a_page_is_repeated_after_the_interval() -> None:
    """Each hour, once, however late the owner looks; the severity stays."""
    log = [(fired("a"), 0.0), (Tick(), 10.0)]
    assert fold(*log, (Tick(), 9 + HOUR)).paged == (at(10),)
    incident = fold(*log, (Tick(), 10 + HOUR), (Tick(), 11 + HOUR), (Tick(), 5 * HOUR))
    assert incident.paged == (at(10), at(10 + HOUR), at(5 * HOUR))
    assert (incident.severity, steps(incident).count("paged")) == ("warning", 3)


def test_the_owner_knows_when_it_pages_again() -> None:
    """It ticks then, though no alert comes."""
    book = IncidentBook(WAIT, repeat_interval=timedelta(hours=1))
    book.apply(fired("a"), at(0))
    book.apply(Tick(), at(10))
    assert book.next_due() == at(10 + HOUR)


def test_what_somebody_works_on_is_not_paged_again() -> None:
    """Nor what has settled or is resolved."""
    one = fired("a")
    for entry in (
        command("incident_ack", incident_id="incident of a"),
        later(one, "settled"),
        later(one),
    ):
        assert len(fold((one, 0), (Tick(), 10), (entry, 20), (Tick(), 2 * HOUR)).paged) == 1


def test_no_page_is_repeated_by_default() -> None:
    """Without `policy.repeat_interval` an incident pages once."""
    assert load({}).policy.repeat_interval is None
    book = IncidentBook(WAIT)
    for entry, seconds in ((fired("a"), 0.0), (Tick(), 10.0), (Tick(), 100 * HOUR)):
        book.apply(entry, at(seconds))
    assert len(only(book).paged) == 1


def test_an_interval_of_seconds_is_refused() -> None:
    """The error names the key."""
    with pytest.raises(ConfigError, match=r"policy\.repeat_interval"):
        load({"policy": {"repeat_interval": "10s"}})
