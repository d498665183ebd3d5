"""An incident that grows, or that nobody acknowledges, becomes more severe once."""

from typing import Any

import pytest
from incidents.logs import WAIT, at, command, fired, later, only, steps

from streamproc.config.escalate import DEFAULT_RULES, EscalationRule
from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.incidents.members import labels_of as incident_labels
from streamproc.schemas.incidents import IncidentState
from streamproc.sinks.routing import labels_of as alert_labels

HALF_HOUR = 1800.0
[AFTER] = load({"escalate": [{"match": ["severity = warning"], "after": "30m"}]}).escalate


def fold(*log: tuple[Entry, float], rules: tuple[EscalationRule, ...] = (AFTER,)) -> IncidentState:
    """Return the incident of a log."""
    book = IncidentBook(WAIT, escalation=rules)
    for entry, seconds in log:
        book.apply(entry, at(seconds))
    return only(book)


def test_what_nobody_acknowledges_rises_once_and_pages_again() -> None:
    """Half an hour after its page a warning is critical, pages again, and then never again."""
    log = [(fired("a"), 0.0), (Tick(), 10.0)]
    assert fold(*log, (Tick(), 9 + HALF_HOUR)).severity == "warning"
    incident = fold(*log, (Tick(), 10 + HALF_HOUR), (Tick(), 10 * HALF_HOUR))
    assert (incident.severity, incident.escalated) == ("critical", at(10 + HALF_HOUR))
    assert incident.paged == (at(10), at(10 + HALF_HOUR))
    [text] = [entry.text for entry in incident.timeline if entry.step == "escalated"]
    assert text == "warning to critical, not acknowledged for 30m"


def test_the_owner_knows_when_it_rises() -> None:
    """It ticks then, though no alert comes."""
    book = IncidentBook(WAIT, escalation=[AFTER])
    book.apply(fired("a"), at(0))
    book.apply(Tick(), at(10))
    assert book.next_due() == at(10 + HALF_HOUR)


def test_what_somebody_works_on_does_not_rise() -> None:
    """An acknowledged, settled or resolved incident stays as severe as it is."""
    one = fired("a")
    for entry in (
        command("incident_ack", incident_id="incident of a"),
        later(one, "settled"),
        later(one),
    ):
        incident = fold((one, 0), (Tick(), 10), (entry, 20), (Tick(), 2 * HALF_HOUR))
        assert (incident.severity, len(incident.paged)) == ("warning", 1)


def test_an_incident_of_ten_models_is_critical_by_default() -> None:
    """It pages once, at its tenth model; nine models wait and stay a warning."""
    log = [(fired(f"m{number}"), number / 10) for number in range(12)]
    incident = fold(*log, (Tick(), 60.0), rules=DEFAULT_RULES)
    assert (incident.severity, incident.paged) == ("critical", (at(0.9),))
    assert steps(incident).count("escalated") == 1
    incident = fold(*log[:9], (Tick(), 10.0), rules=DEFAULT_RULES)
    assert (incident.severity, incident.paged) == ("warning", (at(10),))


def test_only_what_matches_rises() -> None:
    """The rule of another owner changes nothing."""
    rule = EscalationRule(match=("owner = risk",), models=2)
    log = [(fired(model), 0.0) for model in "abc"]
    assert fold(*log, rules=(rule,)).severity == "warning"


@pytest.mark.parametrize("series", ["feature:x", "quality:x", "prediction", "metric:brier"])
def test_conditions_mean_the_same_as_in_routes(series: str) -> None:
    """A series of an incident has the labels by which routes match its alert."""
    alert = fired("a", series=series)
    [member] = fold((alert, 0.0)).members
    assert incident_labels(member, member.series[0]) == alert_labels(alert)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({}, "escalate[0].after: expected this or `models`"),
        ({"models": 1}, "escalate[0].models"),
        ({"after": "1s"}, "escalate[0].after"),
        ({"models": 5, "match": ["severity = warnin"]}, "escalate[0].match: matches nothing"),
    ],
)
def test_a_mistake_is_named(rule: dict[str, Any], problem: str) -> None:
    """The error names the key of the config."""
    with pytest.raises(ConfigError) as error:
        load({"escalate": [rule]})
    assert problem in str(error.value)
