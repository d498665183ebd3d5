"""Incidents of one route with equal labels are one notification."""

import pytest
from incidents.grouped_logs import BY_OWNER, apart, config_of, pages, played, sent
from incidents.logs import at, command, fired, later

from streamproc.config.load import load
from streamproc.incidents.entries import Tick
from streamproc.incidents.notification_groups import MAX_INCIDENTS
from streamproc.incidents.open_group import RETAIN_GROUPS
from streamproc.schemas.notification_groups import NotificationGroup
from streamproc.sinks.targets import targets_of


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k" * 32)


def test_incidents_of_an_owner_are_one_page() -> None:
    """Five incidents of one owner page once, after the wait; another owner's page apart."""
    alerts = [apart(f"m{number}") for number in range(5)]
    log = [(alert, float(number)) for number, alert in enumerate(alerts)]
    found = pages([*log, (apart("other", "ads"), 5.0), (Tick(), 100.0)])
    assert [(status, seconds) for status, seconds, _ in found] == [("firing", 10), ("firing", 15)]
    assert found[0][2].startswith("5 incidents (owner = risk): incident of m0: ")
    assert found[1][2].startswith("1 incident (owner = ads): incident of other: ")


def test_what_comes_later_waits_for_the_interval() -> None:
    """Incidents after the first page come together, a minute after it, as one update."""
    log = [(apart("a"), 0.0), (apart("b"), 20.0), (apart("c"), 30.0), (Tick(), 200.0)]
    first, second = pages(log)
    assert (first[:2], second[:2]) == (("firing", 10), ("updated", 70))
    assert second[2].startswith("3 incidents (owner = risk): ")


def test_a_group_pages_at_once_when_its_interval_has_passed() -> None:
    """Whoever was last notified ten minutes ago hears of the next incident when it pages."""
    found = pages([(apart("a"), 0.0), (apart("b"), 600.0), (Tick(), 700.0)])
    assert [(status, seconds) for status, seconds, _ in found] == [("firing", 10), ("updated", 610)]


def test_a_critical_incident_does_not_wait() -> None:
    """It pages at once, within the interval of a group that has paged."""
    log = [(apart("a"), 0.0), (apart("b", severity="critical"), 20.0), (Tick(), 30.0)]
    assert [found[1] for found in pages(log)] == [10, 20]


def test_a_group_that_notified_early_stays_past_the_time_that_was_planned() -> None:
    """A critical incident takes the others with it; the end of all of them is still sent."""
    group = [apart("a"), apart("b"), apart("c", severity="critical")]
    log = list(zip(group, (0.0, 20.0, 30.0), strict=True))
    log += [(later(each), 200.0) for each in group]
    found = pages([*log, (Tick(), 400.0)])
    assert [(status, seconds) for status, seconds, _ in found] == [
        ("firing", 10),
        ("updated", 30),
        ("updated", 200),
        ("resolved", 260),
    ]


def test_a_group_ends_when_its_incidents_do() -> None:
    """The end of one of two is an update, the end of both a resolution, and a new one fires."""
    one, two = apart("a"), apart("b")
    log = [(one, 0.0), (two, 1.0), (later(one), 20.0), (later(two), 100.0), (apart("c"), 200.0)]
    found = pages([*log, (Tick(), 300.0)])
    assert [(status, seconds) for status, seconds, _ in found] == [
        ("firing", 10),
        ("updated", 70),
        ("resolved", 130),
        ("firing", 210),
    ]
    assert found[1][2].startswith("1 incident (owner = risk), 1 more resolved: incident of b: ")
    assert found[2][2].startswith("resolved: 1 incident (owner = risk): ")
    assert found[3][2].startswith("1 incident (owner = risk): incident of c: ")


def test_an_acknowledgement_of_all_incidents_is_sent() -> None:
    """As long as one of them waits for somebody, the group fires."""
    known = [command("incident_ack", n, incident_id=f"incident of {m}") for n, m in enumerate("ab")]
    log = [(apart("a"), 0.0), (apart("b"), 1.0), (known[0], 20.0), (Tick(), 100.0)]
    assert [found[0] for found in pages(log)] == ["firing", "updated"]
    log += [(known[1], 110.0), (Tick(), 300.0)]
    assert [found[0] for found in pages(log)] == ["firing", "updated", "acknowledged"]


def test_what_ends_or_is_silenced_before_its_page_is_not_sent() -> None:
    """A group tells of what is open and heard of when it notifies."""
    silence = command("silence_set", matchers={"model": "c"}, end=at(900), comment="")
    one = apart("b")
    log = [(apart("a"), 0.0), (one, 20.0), (later(one), 25.0), (apart("c"), 26.0), (silence, 27.0)]
    assert [found[0] for found in pages([*log, (Tick(), 300.0)])] == ["firing"]
    [status, again] = [found[0] for found in pages([*log, (Tick(), 1000.0)])]
    assert (status, again) == ("firing", "updated")


def test_a_page_that_was_due_when_the_group_notified_is_not_sent_again() -> None:
    """The incident that was 1 s old then pages by itself for nobody; a worse one is notice."""
    log = [(apart("a"), 0.0), (apart("b"), 9.0), (Tick(), 300.0)]
    [(_, _, message)] = pages(log)
    assert message.startswith("2 incidents")
    log[2:] = [
        (apart("b", alert_id="w", severity="critical", source=later(apart("b")).source), 15.0)
    ]
    assert [found[1] for found in pages([*log, (Tick(), 300.0)])] == [10, 15]


def test_an_incident_across_models_is_in_one_group() -> None:
    """Forty models with one cause do not become forty pages because a route groups by model."""
    by_model = {**BY_OWNER, "group_by": ["model"]}
    log = [(fired(f"m{number}"), number / 10) for number in range(8)]
    [(_, _, message)] = pages([*log, (Tick(), 300.0)], by_model)
    assert message.startswith("1 incident (model = m0): incident of m0: 8 models (m0, m1")


def test_children_inherit_groups_and_other_routes_have_none() -> None:
    """Per sink and route: the chat gets each incident, the pager those of the child in groups."""
    routes = [
        {"match": ["owner = ads"], "sinks": ["chat"]},
        {**BY_OWNER, "routes": [{"match": ["kind = data"], "sinks": ["pager", "chat"]}]},
    ]
    log = [(apart(model, owner), 0.0) for model, owner in ("ar", "br", "ca", "da")]
    log = [(apart(model, owner), 0.0) for model, owner in [("a", "risk"), ("b", "risk")]]
    log += [(apart(model, "ads"), 0.0) for model in "cd"]
    _, values = played([*log, (Tick(), 300.0)], *routes)
    config = config_of(*routes)
    assert [alert.message.split(":")[0] for alert in sent(values, config)] == [
        "2 incidents (owner = risk)"
    ]
    assert len(sent(values, config, sink=1)) == 3


def test_a_sink_hears_of_its_own_models_and_severities_in_groups() -> None:
    """The filters of the sink apply before incidents are grouped."""
    log = [(apart("a"), 0.0), (apart("b"), 1.0), (apart("c", severity="critical"), 2.0)]
    log.append((Tick(), 300.0))
    [(_, seconds, message)] = pages(log, models=["b"])
    assert (seconds, message.split(":")[0]) == (11, "1 incident (owner = risk)")
    assert [found[1] for found in pages(log, severity="critical")] == [2]


def test_a_full_group_has_another_one_beside_it() -> None:
    """A record has a maximum size; what does not fit pages in a further group."""
    log = [(apart(f"m{number}"), 0.0) for number in range(MAX_INCIDENTS + 1)]
    found = pages([*log, (Tick(), 20.0)])
    assert [message.split(" ")[0] for _, _, message in found] == [f"{MAX_INCIDENTS}", "1"]


def test_a_group_is_forgotten_a_month_after_its_end() -> None:
    """What never paged is forgotten at once."""
    one = apart("a")
    book, _ = played([(one, 0.0), (later(one), 3.0)])
    assert [key for key in book.take_changes() if key.startswith("group:")] == []
    book, values = played([(one, 0.0), (later(one), 20.0), (Tick(), 100.0)])
    assert NotificationGroup.from_json(values[-1]).status == "resolved"
    book.apply(Tick(), at(71) + RETAIN_GROUPS)
    assert [value for key, value in book.take_changes().items() if key.startswith("group:")] == [
        None
    ]


def test_groups_that_are_read_again_say_nothing_new() -> None:
    """A restarted sink sends nothing for the records that it has handled before."""
    _, values = played([(apart("a"), 0.0), (apart("b"), 20.0), (Tick(), 300.0)])
    complete = sent(values, config_of())
    for cut in range(len(values)):
        reader = targets_of(load(config_of()))[0].reader()
        for value in values[:cut]:
            reader.remember(value)
        after = []
        for value in values[cut:]:
            alert = reader.read(value)
            if alert is not None:
                reader.handled(alert)
                after.append(alert)
        assert after == complete[len(complete) - len(after) :]
        assert [value for value in values if reader.read(value) is not None] == []


def test_a_notification_names_the_most_severe_ones_and_counts_all() -> None:
    """Five are named, whatever their number; the receiver's text does not grow with the group."""
    log = [(apart(f"m{number}"), 0.0) for number in range(20)]
    log += [(apart("worst", severity="critical"), 20.0), (Tick(), 30.0)]
    _, (_, _, message) = pages(log)
    head, first, *_ = message.split(": ")
    assert (head, first) == ("21 incidents (owner = risk)", "incident of worst")
    assert message.endswith("; and 16 more")
    assert message.count("incident of") == 5


def test_a_change_of_one_incident_does_not_rewrite_its_group() -> None:
    """What the topic grows by does not depend on how many incidents are in the group."""
    sizes = []
    for number in (2, 150):
        alerts = [apart(f"m{each}") for each in range(number)]
        log = [(alert, 0.0) for alert in alerts] + [(Tick(), 20.0)]
        before = len(played(log)[1])
        worse = apart("m1", severity="critical", source=later(alerts[1]).source, alert_id="w")
        values = played([*log, (worse, 30.0)])[1][before:]
        sizes.append(len([value for value in values if b'"group_id"' in value]))
        assert max(map(len, values)) < 10_000
    assert sizes == [2, 2]  # where the incident stands with the sink, and the notification
