"""Incidents of many models with one cause become one."""

from datetime import timedelta

import pytest
from alert_factory import alert
from incidents.logs import at, command, fired, fold, later, only, steps, tick

from streamproc.incidents.entries import Entry
from streamproc.incidents.incident import MAX_MEMBERS
from streamproc.incidents.onset import onset_of


def test_forty_models_with_one_cause_are_one_incident_and_one_page() -> None:
    """A shared feature that breaks in 40 models pages once, after the wait."""
    log: list[tuple[Entry, float]] = [(fired(f"m{n}"), n / 10) for n in range(40)]
    assert only(fold(*log)).paged == ()
    incident = only(fold(*log, tick(10)))
    assert incident.incident_id == "incident of m0"
    assert len(incident.members) == 40
    assert incident.paged == (at(10),)


def test_other_features_directions_and_times_are_other_incidents() -> None:
    """What cannot have the same cause pages separately."""
    one = fired("a")
    falls = fired("b", after={"n": 20, "mean": 0.01, "std": 0.0})
    for other in (fired("b", "age"), falls, fired("b", onset=3600)):
        assert len(fold((one, 0), (other, 1)).incidents) == 2


def test_predictions_of_different_models_are_different_things() -> None:
    """A series that each model has under the same name joins nothing."""
    log = [(fired(model, series="prediction"), 0.0) for model in "ab"]
    assert len(fold(*log).incidents) == 2


def test_a_rule_that_models_share_is_one_cause() -> None:
    """A rule of one name that models violate at the same time is one incident."""
    log = [(fired(model, series="rule:amount_in_range"), 0.0) for model in "ab"]
    assert len(only(fold(*log)).members) == 2


def test_a_slow_model_joins_by_its_dating_error() -> None:
    """A model with an event a minute dates the same change hours later, and less exactly."""
    slow = fired("slow", onset=600, delay=7200)
    assert len(only(fold((fired("fast"), 0), (slow, 7800))).members) == 2


def test_members_agree_on_one_onset() -> None:
    """Joining does not drift: whoever joins has to agree with every member."""
    log: list[tuple[Entry, float]] = [
        (fired(f"m{n}", onset=50 * n, delay=1), 50.0 * n) for n in range(5)
    ]
    assert len(fold(*log).incidents) > 1


def test_a_model_with_another_series_first_moves_before_it_pages() -> None:
    """A model's incident that began with another series joins once its feature fires."""
    first = fired("b", series="prediction")
    book = fold((fired("a"), 0), (first, 1), (fired("b"), 2))
    incident = only(book)
    assert [member.model_id for member in incident.members] == ["a", "b"]
    assert len(incident.members[1].series) == 2
    assert book.find("incident of b") is incident


def test_what_was_paged_is_not_moved() -> None:
    """An incident that somebody was paged for remains where they look for it."""
    first = fired("b", series="prediction", severity="critical")
    assert len(fold((fired("a"), 0), (first, 1), (fired("b"), 2)).incidents) == 2


def test_an_incident_ends_when_all_members_have() -> None:
    """It is resolved with the last series of the last model, and not before."""
    one, other = fired("a"), fired("b")
    log = [(one, 0.0), (other, 1.0), (later(one), 2.0)]
    assert only(fold(*log)).status == "firing"
    incident = only(fold(*log, (later(other), 3)))
    assert (incident.status, incident.reason, incident.ended) == ("resolved", "recovered", at(3))


def test_what_ends_within_the_wait_pages_nobody() -> None:
    """A change that is over after a second wakes nobody."""
    one = fired("a")
    assert only(fold((one, 0), (later(one), 1), tick(60))).paged == ()


def test_critical_pages_at_once_and_once_more_when_it_becomes_critical() -> None:
    """A critical incident does not wait; one that becomes critical pages again."""
    assert only(fold((fired("a", severity="critical"), 0))).paged == (at(0),)
    log = [(fired("a"), 0.0), tick(10), (fired("b", severity="critical"), 20.0)]
    assert only(fold(*log)).paged == (at(10), at(20))


def test_alerts_that_come_again_change_nothing() -> None:
    """A worker that restarts publishes alerts again, in whatever order: nothing reopens."""
    one = fired("a")
    log = [(one, 0.0), (later(one, "updated", 50), 1.0), (later(one), 2.0)]
    once = only(fold(*log))
    assert only(fold(*log, *((entry, 2.0) for entry, _ in log))) == once
    assert only(fold(log[0], log[2], (log[1][0], 2.0))) == once


def test_several_alerts_of_one_record_all_count() -> None:
    """A record of many events may open and resolve a series: both have its offset."""
    one = fired("a")
    log = [(one, 0.0), (later(one, by=0), 1.0)]
    assert only(fold(*log)).status == "resolved"
    assert only(fold(*log, (one, 1.0))).status == "resolved"


def test_a_pending_alert_is_not_an_incident_yet() -> None:
    """A series whose values depend on each other alarms without a change: nobody is paged."""
    assert fold((fired("a", status="pending"), 0)).incidents == {}


def test_a_series_that_fires_after_the_end_reopens_and_pages() -> None:
    """A new change in an accepted incident is news."""
    accept = command("incident_accept", incident_id="incident of a", reason="new supplier")
    log = [(fired("a"), 0.0), tick(10), (accept, 20.0), (fired("a", "age"), 30.0), tick(40)]
    incident = only(fold(*log))
    assert incident.status == "firing"
    assert incident.paged == (at(10), at(40))
    assert steps(incident)[-3:] == ["fired", "reopened", "paged"]


def test_an_event_that_nothing_resolves_ends_after_a_day() -> None:
    """Alerts that stand alone, such as lost state, do not fill the list for ever."""
    gap = alert("gap", incident_id="gap", kind="system", series="features", detector="state_gap")
    book = fold((gap, 0), tick(86_400))
    assert (only(book).status, only(book).reason) == ("resolved", "expired")


@pytest.mark.parametrize("detector", ["silence", "volume", "warm_up"])
def test_a_silent_model_stays_open_until_it_is_back(detector: str) -> None:
    """An alert about the events of a model stands alone, and ends when another one resolves it."""
    silent = alert("s", incident_id="s", kind="silence", series="events", detector=detector)
    log = [(silent, 0.0), tick(86_400), tick(3 * 86_400)]

    assert only(fold(*log)).status == "firing"
    assert only(fold(*log, (later(silent), 4 * 86_400.0))).status == "resolved"


def test_a_full_incident_opens_another() -> None:
    """Its record has to fit into the topic: the next models page once more."""
    log: list[tuple[Entry, float]] = [(fired(f"m{n}"), 0.0) for n in range(MAX_MEMBERS + 1)]
    book = fold(*log)
    assert sorted(len(each.members) for each in book.incidents.values()) == [1, MAX_MEMBERS]


def test_onsets_at_the_ends_of_time_are_dated() -> None:
    """Events of the years 1 and 9999 have a change point as well."""
    for year in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert onset_of(alert(ts=year)).earliest <= onset_of(alert(ts=year)).latest


def test_without_a_wait_everything_pages_at_once() -> None:
    """`group_wait: 0s` pages with the first alert."""
    assert only(fold((fired("a"), 0), wait=timedelta())).paged == (at(0),)


def test_a_segment_that_is_well_again_does_not_end_the_change_of_all_events() -> None:
    """A feature's change in one region, and that in all events, are two series of an incident."""
    everywhere = fired("a")
    europe = fired("a", alert_id="eu", segment={"region": "eu"})
    incident = only(fold((everywhere, 0), (europe, 1), (later(europe), 2)))
    assert [(each.segment, each.open) for each in incident.members[0].series] == [
        (None, True),
        ({"region": "eu"}, False),
    ]


def test_a_segment_joins_the_incident_of_the_same_feature() -> None:
    """A change of a feature in one region has the cause of one in all events that began then."""
    europe = fired("a", alert_id="eu", incident_id="of eu", segment={"region": "eu"})
    assert len(only(fold((fired("a"), 0), (europe, 1))).members) == 2
