"""An incident that grows, or that nobody acknowledges, becomes more severe once."""

from typing import Any

import pytest
from incidents.logs import WAIT, at, command, fired, later, only, steps

from streamproc.config.escalate import DEFAULT_RULES, EscalationRule
from streamproc.config.escalate_share import with_numbers
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


def test_what_stays_open_rises_though_somebody_works_on_it() -> None:
    """An hour after it was opened, with no page while it is acknowledged; a silenced one waits."""
    [rule] = load({"escalate": [{"open_for": "1h"}]}).escalate
    known = command("incident_ack", incident_id="incident of a")
    log = [(fired("a"), 0.0), (Tick(), 10.0), (known, 20.0)]
    assert fold(*log, (Tick(), 3599.0), rules=(rule,)).severity == "warning"
    incident = fold(*log, (Tick(), 3600.0), rules=(rule,))
    assert (incident.severity, incident.status) == ("critical", "acknowledged")
    assert incident.paged == (at(10),)
    silence = command("silence_set", 2, matchers={"model": "a"}, end=at(7200), comment="")
    log[2:] = [(silence, 20.0), (Tick(), 3700.0)]
    assert fold(*log, rules=(rule,)).severity == "warning"
    assert fold(*log, (Tick(), 7200.0), rules=(rule,)).escalated == at(7200)


def test_the_owner_knows_when_an_open_incident_rises() -> None:
    """Of two limits of time it ticks at the first one."""
    [rule] = load({"escalate": [{"open_for": "5m", "after": "30m"}]}).escalate
    book = IncidentBook(WAIT, escalation=[rule])
    book.apply(fired("a"), at(0))
    book.apply(Tick(), at(10))
    assert book.next_due() == at(300)


def test_a_large_change_rises_and_pages_at_once() -> None:
    """The size is that of the first alert; a series without a mean has none."""
    [rule] = load({"escalate": [{"match": ["kind = data"], "size": 20}]}).escalate
    small = {"n": 20, "mean": 2.0, "std": 0.1}
    none = {"n": 20}
    for after, severity in ((None, "critical"), (small, "warning"), (none, "warning")):
        alert = fired("a") if after is None else fired("a", after=after)
        assert fold((alert, 0.0), rules=(rule,)).severity == severity
    incident = fold((fired("a"), 0.0), rules=(rule,))
    assert incident.paged == (at(0),)
    [text] = [entry.text for entry in incident.timeline if entry.step == "escalated"]
    assert text == "warning to critical, feature:fx_rate moved by 100 standard deviations"
    assert fold((fired("a", kind="quality"), 0.0), rules=(rule,)).severity == "warning"


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ({"share": 0.5}, 4),
        ({"share": 0.01}, 3),
        ({"share": 0.5, "models": 2}, 2),
        ({"share": 1.0, "match": ["owner = risk", "severity = warning"]}, 3),
    ],
)
def test_a_share_of_the_named_models_is_enough(rule: dict[str, Any], count: int) -> None:
    """Models that match by a glob are not counted; three models are the fewest."""
    models = [{"id": f"m{n}", "owner": "risk" if n < 3 else "ads"} for n in range(8)]
    config = load({"models": [*models, {"id": "batch-*"}], "escalate": [rule]})
    rules = with_numbers(config.escalate, config.models)
    log = [(fired(f"m{number}", owner="risk"), number / 10) for number in range(count)]
    assert fold(*log, rules=rules).severity == "critical"
    assert fold(*log[:-1], rules=rules).severity == "warning"


def test_half_of_the_named_models_is_critical_by_default() -> None:
    """Without named models only their number counts."""
    six = load({"models": [{"id": f"m{number}"} for number in range(6)]})
    log = [(fired(f"m{number}"), number / 10) for number in range(3)]
    assert fold(*log, rules=with_numbers(six.escalate, six.models)).severity == "critical"
    none = load({})
    assert fold(*log, rules=with_numbers(none.escalate, none.models)).severity == "warning"


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
        ({}, "escalate[0].after: expected this, `open_for`, `size`, `share` or `models`"),
        ({"models": 1}, "escalate[0].models"),
        ({"after": "1s"}, "escalate[0].after"),
        ({"share": 0.5}, "escalate[0].share: needs 3 or more models of `models` by their ids"),
        ({"share": 1.5}, "escalate[0].share"),
        ({"size": 0.0}, "escalate[0].size"),
        ({"open_for": "1s"}, "escalate[0].open_for"),
        (
            {"models": 5, "match": ["severity = warnin"]},
            "escalate[0].match[0]: no alert has the severity 'warnin'",
        ),
    ],
)
def test_a_mistake_is_named(rule: dict[str, Any], problem: str) -> None:
    """The error names the key of the config."""
    with pytest.raises(ConfigError) as error:
        load({"escalate": [rule]})
    assert problem in str(error.value)
