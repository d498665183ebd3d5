"""The standing of an alert, as sinks ask for it."""

from incidents.logs import Owner, at, command, fired, later, tick

from streamproc.incidents.entries import Entry
from streamproc.incidents.records import StoredBook
from streamproc.incidents.standing import Standing, Standings

ID = "incident of a"


def standings(*log: tuple[Entry, float]) -> Standings:
    """Return what a sink knows after a log."""
    found = Standings()
    found.update(StoredBook().feed(Owner(log).batch(len(log))))
    return found


def test_alerts_of_one_cause_have_one_incident() -> None:
    """A sink that notifies once per incident needs no more than its id."""
    one, other, apart = fired("a"), fired("b"), fired("c", "age")
    found = standings((one, 0), (other, 1), (apart, 1), tick(20))
    assert [found.of(each, at(21)).incident_id for each in (one, other, apart)] == [
        *(ID, ID),
        "incident of c",
    ]
    assert found.of(other, at(21)) == Standing(ID, "firing", severity="warning")
    assert not found.knows(fired("d"))
    assert found.of(fired("d"), at(21)) == Standing()


def test_a_silence_mutes_while_it_holds() -> None:
    """By the clock of the sink, so that it ends even if nobody owns the incidents."""
    silence = command("silence_set", matchers={"model": "a"}, end=at(60), comment="")
    one, other = fired("a"), fired("b", "age")
    found = standings((silence, 0), (one, 1), (other, 1))
    [silence_id] = found.of(one, at(30)).silences
    assert found.of(one, at(30)).muted(one) == f"silenced by {silence_id}"
    assert found.of(other, at(30)).muted(other) is None
    assert found.of(one, at(60)).muted(one) is None


def test_an_end_is_sent_in_spite_of_a_silence() -> None:
    """A sink may have sent the beginning at once, and its receiver waits for an end."""
    silence = command("silence_set", matchers={"incident": ID}, end=at(60), comment="")
    one = fired("a")
    for log in (((one, 0), tick(10), (silence, 20)), ((one, 0), (silence, 1))):
        found = standings(*log).of(one, at(30))
        assert (found.muted(one) is None, found.muted(later(one)) is None) == (False, True)


def test_who_acknowledged_or_accepted_is_known() -> None:
    """An accepted incident sends no more updates."""
    one = fired("a")
    ack = command("incident_ack", 1, "eva", incident_id=ID)
    accept = command("incident_accept", 2, incident_id=ID)
    assert standings((one, 0), (ack, 1)).of(one, at(2)).acknowledged_by == "eva"
    accepted = standings((one, 0), (accept, 1)).of(one, at(2))
    assert (accepted.status, accepted.accepted) == ("resolved", True)
    assert accepted.muted(later(one, "updated")) == "accepted"
    worse = later(one, "updated").model_copy(update={"severity": "critical"})
    assert accepted.muted(worse) is None
    assert accepted.muted(later(one)) is None


def test_what_is_deleted_or_damaged_is_unknown() -> None:
    """A record that cannot be read does not stop a sink."""
    found = standings((fired("a"), 0))
    found.update({ID: b"{", "silence:x": b"\xff"})
    assert not found.knows(fired("a"))
    found.update({ID: None, "silence:x": None})
    assert found.of(fired("a"), at(0)) == Standing()
