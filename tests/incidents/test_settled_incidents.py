"""Incidents whose series are quiet on another level than before."""

from incidents.logs import command, fired, fold, later, only, tick

from streamproc.schemas.alerts import AlertEvent

ONE, OTHER = fired("a"), fired("b")


def ended(before: AlertEvent, reason: str, by: int = 300) -> AlertEvent:
    """Return the alert that resolves a series for a reason."""
    return later(before, "resolved", by).model_copy(update={"reason": reason})


def test_an_incident_is_settled_once_all_of_it_is() -> None:
    """It stays open and listed; `settled` only when no series goes on."""
    first = fold((ONE, 0), (OTHER, 1), tick(20), (later(ONE, "settled"), 30))
    assert (only(first).status, only(first).open) == ("firing", True)
    both = fold(
        *((ONE, 0), (OTHER, 1), tick(20)),
        *((later(ONE, "settled"), 30), (later(OTHER, "settled"), 31)),
    )
    assert (only(both).status, only(both).open) == ("settled", True)
    assert [entry.step for entry in only(both).timeline][-2:] == ["settled", "settled"]


def test_a_settled_incident_that_goes_on_is_firing_again() -> None:
    """An update of a series that had settled says that it changes again."""
    story = ((ONE, 0), tick(20), (later(ONE, "settled"), 30), (later(ONE, "updated", 200), 40))
    assert only(fold(*story)).status == "firing"


def test_the_reason_of_an_end_is_that_of_its_series() -> None:
    """Recovered only if every series is; else accepted, or superseded."""
    for reason in ("recovered", "accepted", "superseded"):
        book = fold((ONE, 0), (OTHER, 1), (ended(ONE, "recovered"), 30), (ended(OTHER, reason), 31))
        assert (only(book).status, only(book).reason) == ("resolved", reason)


def test_an_accepted_incident_that_becomes_worse_is_reopened() -> None:
    """A person accepted what there was, not a severity that rises later."""
    accept = command("incident_accept", 2, incident_id="incident of a")
    settled, updated = later(ONE, "settled"), later(ONE, "updated", 200)
    story = ((ONE, 0), tick(20), (settled, 30), (accept, 31))
    assert only(fold(*story)).reason == "accepted"
    assert only(fold(*story, (updated, 40))).reason == "accepted"
    worse = updated.model_copy(update={"severity": "critical"})
    book = fold(*story, (worse, 40), tick(60))
    assert (only(book).status, only(book).reason) == ("firing", None)
    assert len(only(book).paged) == 2
