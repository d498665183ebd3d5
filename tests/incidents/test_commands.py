"""What people do with incidents."""

import pytest
from incidents.logs import at, command, fired, fold, later, only, steps, tick

from streamproc.incidents.book import RETAIN_INCIDENTS
from streamproc.incidents.commands import silence_id_of
from streamproc.incidents.false_alarms import PERIOD, false_alarms
from streamproc.incidents.silencing import RETAIN_SILENCES

ID = "incident of a"


def silence(number: int = 1, end: float = 100, **matchers: str):  # noqa: ANN201  a CommandEntry
    """Return a command that silences what matches."""
    return command("silence_set", number, matchers=matchers, end=at(end), comment="maintenance")


def test_an_acknowledged_incident_does_not_page() -> None:
    """Who acknowledges within the wait is not paged, and is named."""
    ack = command("incident_ack", incident_id=ID, reason="provider was called")
    incident = only(fold((fired("a"), 0), (ack, 5), tick(60)))
    assert (incident.status, incident.paged) == ("acknowledged", ())
    assert incident.acknowledgement is not None
    assert (incident.acknowledgement.by, incident.acknowledgement.reason) == (
        "ana",
        "provider was called",
    )


def test_an_acknowledgement_with_an_end_pages_again() -> None:
    """Nobody forgets an incident that was put off until a time."""
    ack = command("incident_ack", incident_id=ID, until=at(60))
    book = fold((fired("a"), 0), tick(10), (ack, 20))
    assert book.next_due() == at(60)
    book.apply(None, at(60))
    assert only(book).paged == (at(10), at(60))
    assert only(book).status == "firing"


@pytest.mark.parametrize(
    ("matchers", "covers"),
    [
        ({"model": "a"}, True),
        ({"feature": "fx_*"}, True),
        ({"owner": "risk*", "kind": "data"}, True),
        ({"severity": "critical"}, False),
        ({"model": "b*"}, False),
        ({"owner": "other"}, False),
        ({"incident": ID}, True),
        ({"incident": "another"}, False),
    ],
)
def test_a_silence_covers_what_its_matchers_match(matchers: dict[str, str], covers: bool) -> None:  # noqa: FBT001
    """All globs have to match, by model, feature, owner, kind and severity."""
    log = [(fired("a", owner="risk-oncall"), 0.0), (silence(**matchers), 1.0), tick(20)]
    incident = only(fold(*log))
    assert (incident.status == "silenced") is covers
    assert bool(incident.paged) is not covers
    assert bool(incident.silences) is covers


def test_a_silence_that_is_there_before_covers_what_comes() -> None:
    """Nobody is paged in a maintenance, and the incident is on the list, marked."""
    incident = only(fold((silence(feature="fx_rate"), 0), (fired("a"), 1), tick(50)))
    assert (incident.status, incident.paged) == ("silenced", ())


def test_what_is_still_open_pages_when_its_silence_ends() -> None:
    """A silence expires by itself."""
    book = fold((silence(feature="fx_rate"), 0), (fired("a"), 1))
    assert book.next_due() == at(100)
    book.apply(None, at(100))
    assert (only(book).status, only(book).paged) == ("firing", (at(100),))
    assert [each.status for each in book.silences.values()] == ["expired"]


def test_a_silence_of_one_feature_does_not_hide_another() -> None:
    """An incident is silenced when all of its open series are."""
    both = [(fired("a"), 0.0), (fired("a", "age"), 0.0)]
    book = fold(*both, (silence(feature="fx_rate"), 1), tick(20))
    assert (only(book).status, len(only(book).paged)) == ("firing", 1)
    quiet = fold(*both, (silence(feature="fx_rate"), 1), (later(both[1][0]), 2), tick(20))
    assert (only(quiet).status, only(quiet).paged) == ("silenced", ())


def test_a_silence_is_edited_and_removed_by_its_id() -> None:
    """Its matchers and its end can be replaced; once removed it covers nothing."""
    one = silence_id_of("ana#1")
    log = [(fired("a"), 0.0), (silence(model="b"), 1.0)]
    edited = command(
        "silence_set", 2, silence_id=one, matchers={"model": "a"}, end=at(50), comment="other"
    )
    book = fold(*log, (edited, 2))
    assert only(book).silences == (one,)
    assert [str(each.matchers) for each in book.silences.values()] == ["model=a"]
    removed = fold(*log, (edited, 2), (command("silence_remove", 3, silence_id=one), 3))
    assert (only(removed).silences, only(removed).status) == ((), "firing")


def test_a_command_that_is_read_again_does_nothing() -> None:
    """Each worker writes a command into the log, so it comes several times."""
    note = command("incident_note", incident_id=ID, text="asked the provider")
    log = [(fired("a"), 0.0), (note, 1.0), (silence(2), 2.0)]
    removal = command("silence_remove", 3, silence_id=silence_id_of("ana#2"))
    book = fold(*log, (removal, 3), (note, 4), (silence(2), 4), (removal, 4))
    assert steps(only(book)).count("noted") == 1
    assert [each.status for each in book.silences.values()] == ["removed"]


def test_a_command_about_nothing_changes_nothing() -> None:
    """An unknown incident or silence is not an error of the worker."""
    book = fold(
        (command("incident_ack", 1, incident_id="none"), 0),
        (command("silence_remove", 2, silence_id="none"), 0),
        (command("silence_set", 3, silence_id="none", matchers={}, end=at(9), comment=""), 0),
    )
    assert (book.incidents, book.silences, dict(book.take_changes())) == ({}, {}, {})


def test_accept_note_and_assign_are_in_the_timeline() -> None:
    """A member's id will do as well; who and why is written down."""
    log = [
        (fired("a"), 0.0),
        (fired("b"), 0.0),
        (command("incident_note", 1, incident_id="incident of b", text="asked"), 1.0),
        (command("incident_assign", 2, incident_id=ID, owner="platform"), 2.0),
        (command("incident_accept", 3, "eva", incident_id=ID, reason="new supplier"), 3.0),
    ]
    incident = only(fold(*log))
    assert (incident.status, incident.reason, incident.owner) == (
        "resolved",
        "accepted",
        "platform",
    )
    assert [(each.by, each.text) for each in incident.timeline[-3:]] == [
        ("ana", "asked"),
        ("ana", "platform"),
        ("eva", "new supplier"),
    ]


def test_what_is_over_is_forgotten_in_the_end() -> None:
    """The topic has what is open and what ended in the last month."""
    one = fired("a")
    book = fold((one, 0), (later(one), 1), (silence(end=2), 1))
    book.take_changes()
    for time in (RETAIN_SILENCES, RETAIN_INCIDENTS):
        book.apply(None, at(2) + time)
    assert (book.incidents, book.silences) == ({}, {})
    assert set(book.take_changes().values()) == {None}


def test_a_false_alarm_counts_until_it_is_reopened() -> None:
    """Also what has recovered by itself may have been one; a further change was none."""
    alarm = fired("a")
    judged = command("incident_accept", incident_id=ID, false_alarm=True)
    book = fold((alarm, 0.0), (judged, 3.0))
    assert (only(book).status, only(book).false_alarm) == ("resolved", True)
    assert false_alarms(book.incidents.values(), at(3)) == (1, 1)
    assert false_alarms(book.incidents.values(), at(0) + PERIOD) == (0, 0)
    over = fold((alarm, 0.0), (later(alarm), 2.0), (judged, 3.0))
    assert (only(over).reason, only(over).false_alarm) == ("recovered", True)
    again = fold((alarm, 0.0), (judged, 3.0), (fired("a", "amount"), 4.0))
    assert (only(again).open, only(again).false_alarm) == (True, False)
