"""Deployments are known, and incidents that begin soon after are one note."""

from datetime import timedelta

import pytest
from incidents.logs import GRACE, at, command, fired, fold, later, only, sighted, tick

from streamproc.config.escalate import DEFAULT_RULES
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.deployments import (
    MAX_DEPLOYMENTS,
    RETAIN_DEPLOYMENTS,
    Deployments,
    distance,
    nearest,
)
from streamproc.incidents.entries import Entry, decode_entry
from streamproc.incidents.records import StoredValues
from streamproc.incidents.standing import Standings
from streamproc.schemas.deployments import DEPLOYMENT_KEY, Deployment
from streamproc.schemas.incidents import OnsetInterval

Log = tuple[Entry, float]


def known(book: IncidentBook) -> list[Deployment]:
    """Return the deployments that a book has written, the first one first."""
    found = [each for each in book.take_changes().values() if isinstance(each, Deployment)]
    return sorted(found, key=lambda each: (each.recorded, each.model_id))


def announced(model: str, version: str = "8", number: int = 1, **fields: object) -> Entry:
    """Return the announcement of a deployment."""
    return command("deployment_announce", number, model_id=model, model_version=version, **fields)


def released(models: int, every: float = 1) -> list[Log]:
    """Return the first sights of version 8 of some models, one after the other."""
    return [(sighted(f"m{n}", seconds=n * every), n * every) for n in range(models)]


def changed(models: int, begin: float, **fields: object) -> list[Log]:
    """Return the alerts of models of which another feature changed in each."""
    return [
        (fired(f"m{n}", f"f{n}", onset=begin + n, **fields), begin + 6.0 + n) for n in range(models)
    ]


def test_fifty_models_released_together_are_one_page() -> None:
    """Whatever changed in each of them, they are one incident with one page."""
    incident = only(fold(*released(50), *changed(50, 60), tick(300)))
    assert len(incident.members) == 50
    assert len(incident.paged) == 1
    [release] = {member.release for member in incident.members}
    assert DEPLOYMENT_KEY + str(release) in {cause.series for cause in incident.causes}


def test_without_a_release_they_are_fifty_pages() -> None:
    """The same changes of models that nobody has released stay apart."""
    book = fold(*changed(50, 60), tick(300))
    assert sum(len(each.paged) for each in book.incidents.values()) == 50


def test_no_grace_ties_nothing() -> None:
    """`policy.deployment_grace: 0s` leaves every incident alone."""
    book = IncidentBook(timedelta(seconds=10), deployments=Deployments(timedelta()))
    for entry, seconds in [*released(3), *changed(3, 60)]:
        book.apply(entry, at(seconds))
    assert len(book.incidents) == 3
    assert len(known(book)) == 3


def test_what_is_critical_pages_by_itself() -> None:
    """A gross fault of one model is not hidden among what a release has moved."""
    gross = fired("m7", "f7", onset=67, severity="critical")
    book = fold(*released(9), *changed(6, 60), (gross, 90), tick(300))
    assert len(book.incidents) == 2
    alone = book.find("incident of m7")
    assert alone is not None
    assert (len(alone.members), len(alone.paged)) == (1, 1)


def test_a_member_that_becomes_critical_pages() -> None:
    """One of the released models gets worse: the incident pages again, at once."""
    log = [*released(3), *changed(3, 60)]
    worse = later(log[-1][0], "updated").model_copy(update={"severity": "critical"})  # type: ignore[arg-type]
    incident = only(fold(*log, tick(300), (worse, 400)))
    assert incident.paged[-1] == at(400)
    assert len(incident.paged) == 2


def test_a_release_does_not_escalate_by_its_size() -> None:
    """That fifty models change which were released together differs from an upstream fault."""
    deployments = Deployments(GRACE)
    book = IncidentBook(timedelta(seconds=10), escalation=DEFAULT_RULES, deployments=deployments)
    for entry, seconds in [*released(50), *changed(50, 60), tick(300)]:
        book.apply(entry, at(seconds))
    assert only(book).severity == "warning"


@pytest.mark.parametrize("begin", [-600, 1200])
def test_what_began_before_or_long_after_stands_alone(begin: float) -> None:
    """A change that a deployment cannot have made is not tied to it."""
    book = fold(*released(2), *changed(2, begin))
    assert len(book.incidents) == 2
    assert {member.release for each in book.incidents.values() for member in each.members} == {None}


def test_models_that_were_not_released_stand_alone() -> None:
    """A deployment is of one model; others that change at the time are not part of it."""
    book = fold((sighted("m0"), 0), *changed(2, 60))
    assert len(book.incidents) == 2


def test_a_silent_model_is_not_a_matter_of_how_well_it_answers() -> None:
    """A model that sends nothing after a release pages by itself."""
    silent = fired("m1", series="events", kind="silence", detector="silence", onset=60)
    assert len(fold(*released(2), *changed(1, 60), (silent, 70)).incidents) == 2


def test_releases_more_than_the_grace_apart_are_different_ones() -> None:
    """Models that are released one after the other all day are not one release."""
    book = fold(*released(3, every=400))
    first, second, third = known(book)
    assert first.release == second.release == first.deployment_id
    assert third.release == third.deployment_id


def test_an_announcement_and_the_first_event_are_one_deployment() -> None:
    """Whichever comes first, it has who announced it, and when it was seen."""
    notice, seen = announced("a", at=at(-30), note="December"), sighted("a")
    for log in ([(notice, 0.0), (seen, 1.0)], [(seen, 0.0), (notice, 1.0)]):
        [found] = known(fold(*log))
        assert (found.announced, found.seen, found.after) == (at(-30), at(0), at(-2))
        assert (found.by, found.note, found.previous) == ("ana", "December", "7")
        assert found.began == at(0)


def test_announced_together_is_released_together() -> None:
    """Models whose versions were announced, and not seen yet, are tied as well."""
    log: list[Log] = [(announced(f"m{n}", number=n + 1), n) for n in range(3)]
    assert len(only(fold(*log, *changed(3, 60))).members) == 3


def test_what_comes_again_changes_nothing() -> None:
    """A command that every worker forwards, and a version that is seen again, count once."""
    notice, seen = announced("a"), sighted("a")
    log: list[Log] = [
        (notice, 0),
        (seen, 1),
        (notice, 2),
        (seen, 3),
        (sighted("a", seconds=90), 100),
    ]
    assert known(fold(*log)) == known(fold(*log[:2]))


def test_an_earlier_version_that_comes_back_can_be_announced() -> None:
    """A rollback is a deployment of a version that had been one before."""
    book = fold((sighted("a", "7"), 0), (announced("a", "7"), 7200))
    first, second = known(book)
    assert (first.announced, second.seen, second.began) == (None, None, at(7200))


def test_deployments_are_forgotten() -> None:
    """They are listed for 30 days, and there are at most 10,000 of them."""
    month = RETAIN_DEPLOYMENTS.total_seconds()
    book = fold((sighted("a"), 0), tick(month))
    assert list(book.take_changes().values()) == [None]
    some = Deployments(GRACE)
    for number in range(MAX_DEPLOYMENTS + 1):
        changes = some.sight(sighted(f"m{number}"), at(number))
    assert sum(each is None for each in changes.values()) == 1


def test_the_nearest_deployment_and_its_distance() -> None:
    """Of two deployments the nearer one is named; one after the onset counts as negative."""
    near, far = known(fold((sighted("a"), 0), (sighted("a", "9", 3600), 3600)))
    onset = OnsetInterval(earliest=at(60), latest=at(120))
    assert nearest([far, near], onset) == near
    assert distance(near, onset) == timedelta(seconds=60)
    assert distance(far, onset) == timedelta(seconds=-3480)
    assert nearest([], onset) is None


def test_readers_of_the_topic_get_deployments() -> None:
    """Those of incidents have them, those of standings pass over them."""
    [found] = known(fold((sighted("a"), 0)))
    key, values = DEPLOYMENT_KEY + found.deployment_id, StoredValues()
    values.update({key: found.to_json()})
    assert values.deployments == {key: found}
    assert values.incidents == {}
    Standings().update({key: found.to_json()})


def test_a_first_sight_is_an_entry_of_the_log() -> None:
    """What a worker writes is what is read; what is damaged is skipped."""
    seen = sighted("a")
    assert decode_entry(b"version", seen.to_json()) == seen
    assert decode_entry(b"version", b"{") is None


def test_verdicts_on_a_release_are_one_note_that_ends_after_a_day() -> None:
    """Fifty bad releases are one page; nothing resolves a verdict, so it ends with the others."""
    verdicts = [
        fired(
            f"m{n}",
            series="metric:release",
            kind="performance",
            detector="release",
            alert_id=f"verdict on m{n}",
            incident_id=f"verdict on m{n}",
            onset=n,
            delay=3000,
        )
        for n in range(50)
    ]
    moved = fired("m0", "f0", onset=60)
    log: list[Log] = [*released(50), (moved, 66), *((each, 3100) for each in verdicts)]
    incident = only(fold(*log, tick(4000)))
    assert len(incident.members) == 51
    assert len(incident.paged) == 1
    ended = only(fold(*log, (later(moved), 5000), tick(90_000)))
    assert (ended.status, ended.reason) == ("resolved", "expired")
    assert only(fold(*log, tick(90_000))).open
