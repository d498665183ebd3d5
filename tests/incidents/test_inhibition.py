"""An open incident hides others by the rules of the configuration."""

from typing import Any

import pytest
from incidents.logs import WAIT, at, fired, later, steps

from streamproc.cli.incidents_show import describe
from streamproc.config.inhibit import DEFAULT_RULES, InhibitRule
from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.incidents.inhibition import EVENT_INHIBITS
from streamproc.incidents.standing import Standings
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.incidents import IncidentState

HOUR = EVENT_INHIBITS.total_seconds()


def silent(model: str = "a", **fields: Any) -> AlertEvent:
    """Return the alert that a model sends no events."""
    usual = {"incident_id": f"silence of {model}", "series": "events", "kind": "silence"}
    return fired(model, **{**usual, "detector": "silence", **fields})


def gap(partition: int = 0) -> AlertEvent:
    """Return the alert that the state of a partition is lost, which nothing resolves."""
    source = {"topic": "predictions", "partition": partition, "offset": 7}
    ids = {"alert_id": "gap", "incident_id": "gap"}
    about = {"series": "features", "kind": "system", "detector": "state_gap"}
    return fired("*", source=source, severity="critical", **ids, **about)


def fold(*log: tuple[Entry, float], rules: tuple[InhibitRule, ...] = DEFAULT_RULES) -> IncidentBook:
    """Apply entries to an empty book with rules."""
    book = IncidentBook(WAIT, rules=rules)
    for entry, seconds in log:
        book.apply(entry, at(seconds))
    return book


def drift(book: IncidentBook, model: str = "a") -> IncidentState:
    """Return the incident of the drift of a model."""
    found = book.find(f"incident of {model}")
    assert found is not None
    return found


def test_drift_of_a_silent_model_pages_nobody() -> None:
    """Its incident is listed as inhibited, names the silence, and does not page."""
    for log in (((silent(), 0.0), (fired("a"), 1.0)), ((fired("a"), 0.0), (silent(), 1.0))):
        incident = drift(fold(*log, (Tick(), 60.0)))
        assert (incident.status, incident.paged) == ("inhibited", ())
        assert incident.inhibited_by == ("silence of a",)
        assert "inhibited" in steps(incident)


def test_the_page_goes_out_when_the_source_ends() -> None:
    """What still is open then pages at once, and once."""
    book = fold((silent(), 0), (fired("a"), 1), (later(silent()), 100), (Tick(), 200))
    incident = drift(book)
    assert (incident.status, incident.paged) == ("firing", (at(100),))
    assert steps(incident)[-2:] == ["uninhibited", "paged"]


def test_what_ends_before_its_source_pages_nobody() -> None:
    """A change that was over before the model came back wakes nobody."""
    log = [(silent(), 0.0), (fired("a"), 1.0), (later(fired("a")), 50.0), (later(silent()), 100.0)]
    incident = drift(fold(*log, (Tick(), 200.0)))
    assert (incident.status, incident.paged) == ("resolved", ())


def test_a_silent_model_hides_no_other() -> None:
    """Drift of another model pages, and a shared incident pages for the models that are heard."""
    book = fold((silent(), 0), (fired("b"), 1), (Tick(), 60))
    assert (drift(book, "b").status, drift(book, "b").inhibited_by) == ("firing", ())
    book = fold((silent(), 0), (fired("a"), 1), (fired("b"), 2), (Tick(), 60))
    assert (len(drift(book).members), drift(book).status) == (2, "firing")


def test_lost_state_hides_the_models_of_its_partition_for_an_hour() -> None:
    """Nothing resolves lost state, so that it hides nothing after an hour."""
    book = fold((gap(), 0), (fired("a"), 1), (Tick(), HOUR - 1))
    assert drift(book).inhibited_by == ("gap",)
    book.apply(Tick(), at(HOUR))
    assert (drift(book).inhibited_by, len(drift(book).paged)) == ((), 1)
    assert drift(fold((gap(partition=1), 0), (fired("a"), 1))).inhibited_by == ()


def test_a_hold_back_ends_by_itself() -> None:
    """The owner knows when a source ends without an alert, and ticks then."""
    book = fold((gap(), 0), (fired("a"), 1), (Tick(), 60))
    assert book.next_due() == at(HOUR)


def test_what_meets_both_sides_is_not_hidden() -> None:
    """A rule cannot hide its own sources, else two of them would hide each other."""
    rule = InhibitRule(source=("kind = data",), target=("kind = data",), equal=())
    book = fold((fired("a"), 0), (fired("b", "age"), 1), rules=(rule,))
    assert [each.inhibited_by for each in book.incidents.values()] == [(), ()]


def test_equal_labels_decide() -> None:
    """With `equal: [owner]` a source hides the models of its owner."""
    rule = InhibitRule(source=("kind = silence",), target=("kind = data",), equal=("owner",))
    log = [(fired("b", owner="risk"), 0.0), (fired("c", "age", owner="ads"), 0.0)]
    book = fold(*log, (silent(owner="risk"), 1), rules=(rule,))
    assert [drift(book, model).status for model in "bc"] == ["inhibited", "firing"]


def test_a_new_owner_obeys_changed_rules() -> None:
    """Equal rules change nothing; without them what was hidden pages."""
    before = fold((silent(), 0), (fired("a"), 1), (Tick(), 60))

    def owner(rules: tuple[InhibitRule, ...]) -> IncidentBook:
        book = IncidentBook(WAIT, before.incidents.values(), now=before.now, rules=rules)
        book.apply(Tick(), at(61))
        return book

    assert owner(DEFAULT_RULES).take_changes() == {}
    assert len(drift(owner(())).paged) == 1


def test_a_webhook_skips_what_is_inhibited_and_sends_its_end() -> None:
    """A sink that gets each alert obeys as it does silences."""
    book, standings, alert = fold((silent(), 0), (fired("a"), 1)), Standings(), fired("a")
    standings.update({key: each.to_json() for key, each in book.incidents.items()})
    standing = standings.of(alert, at(2))
    assert standing.muted(alert) == "inhibited by incident silence of a"
    assert standing.muted(later(alert)) is None
    other = fired("a", "age", incident_id="incident of a")
    assert standings.of(other, at(2)).muted(other) is None


def test_show_says_by_what_it_is_hidden() -> None:
    """The person on call reads which incident to solve first."""
    book = fold((silent(), 0), (fired("a"), 1))
    text = "\n".join(describe(drift(book), {}, book.incidents))
    assert "not paged; hidden while incident silence of a (silence of model a) is open" in text
    assert "`streamproc incidents show silence of a`: solve that one first" in text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"source": []}, "inhibit[0].source"),
        ({"source": ["kind = silnce"]}, "inhibit[0].source[0]: no alert has the kind 'silnce'"),
        ({"source": ["kind = silence", "kind = data"]}, "inhibit[0].source: matches nothing"),
        ({"target": ["segment.region = eu"]}, "inhibit[0].target[0]: incidents have no segments"),
        ({"target": ["kindd = data"]}, "unknown label `kindd`"),
        ({"equal": ["modle"]}, "inhibit[0].equal[0]"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], problem: str) -> None:
    """The error names the key of the config."""
    rule = {"source": ["kind = silence"], "target": ["kind = data"], **change}
    with pytest.raises(ConfigError) as error:
        load({"inhibit": [rule]})
    assert problem in str(error.value)


def test_a_mistake_in_an_item_is_one_problem() -> None:
    """The list that it is in is not called empty as well."""
    with pytest.raises(ConfigError) as error:
        load({"inhibit": [{"source": ["kind = silnce"], "target": ["kind = data"]}]})
    assert len(error.value.problems) == 1
