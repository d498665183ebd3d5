"""Which steps of an incident across models a sink sends."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from incidents.logs import WAIT, at, command, fired, later
from pydantic import ValidationError

from streamproc.config.escalate import EscalationRule
from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry, Tick
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.reading import PageReader
from streamproc.sinks.targets import targets_of

Log = Iterable[tuple[Entry, float]]
MODELS = [f"m{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k" * 32)


def reader_of(routes: Sequence[object] = (), **fields: object) -> PageReader:
    """Return the reader of a pager, which gets the pages of incidents unless it asks for less."""
    pager = {"name": "pager", "kind": "pagerduty", "routing_key_env": "KEY"}
    sinks = [pager | fields, pager | {"name": "other"}]
    [target, _] = targets_of(load({"sinks": sinks, "routes": list(routes)}))
    reader = target.reader()
    assert isinstance(reader, PageReader)
    return reader


def states(log: Log, **rules: Any) -> list[bytes]:
    """Return the values that the topic gets."""
    book, found = IncidentBook(WAIT, **rules), []
    for entry, seconds in log:
        book.apply(entry, at(seconds))
        found += [state.to_json() for state in book.take_changes().values() if state]
    return found


def sent(reader: PageReader, values: Iterable[bytes]) -> list[AlertEvent]:
    """Return what a sink sends for records."""
    found = []
    for value in values:
        alert = reader.read(value)
        if alert is not None:
            reader.handled(alert)
            found.append(alert)
    return found


def incident() -> Log:
    """Return the log of an incident of seven models, from its first alert to its end."""
    alerts = [fired(model) for model in MODELS]
    acknowledged = command("incident_ack", incident_id="incident of m0", reason="provider called")
    ends = [(later(alert), 40.0) for alert in alerts]
    begin = [(alert, 0.5 * number) for number, alert in enumerate(alerts)]
    return [*begin, (Tick(), 10.0), (acknowledged, 20.0), *ends]


def test_one_cause_is_one_page_and_one_end() -> None:
    """Seven models with one fault page once; their acknowledgement and end are sent once, too."""
    pages = sent(reader_of(), states(incident()))
    assert [page.status for page in pages] == ["firing", "acknowledged", "resolved"]
    assert {page.incident_id for page in pages} == {"incident of m0"}
    assert "7 models (m0, m1, m2, m3, m4 and 2 more)" in pages[0].message
    assert "acknowledged by ana (provider called)" in pages[1].message
    assert "every series has recovered" in pages[2].message
    assert [page.reason for page in pages] == [None, None, "recovered"]


def test_states_that_are_written_again_send_nothing() -> None:
    """Records before a restart, and those of an owner that was replaced, page nobody again."""
    values = states(incident())
    for cut in range(len(values)):
        reader = reader_of()
        for value in values[:cut]:
            reader.remember(value)
        after = sent(reader, values[cut:])
        again = sent(reader, values)
        assert [page.status for page in again] == []
        complete = sent(reader_of(), values)
        assert after == complete[len(complete) - len(after) :]


def test_a_page_that_was_not_delivered_is_read_again() -> None:
    """Until a step is handled, each try of its record sends it."""
    paged = next(value for value in states(incident()) if reader_of().read(value))
    reader = reader_of()
    first = reader.read(paged)
    assert first is not None
    assert reader.read(paged) == first
    reader.handled(first)
    assert reader.read(paged) is None


def test_an_incident_of_other_models_is_not_sent() -> None:
    """A sink hears of its models only, and the page names no other."""
    assert sent(reader_of(models=["other"]), states(incident())) == []
    pages = sent(reader_of(models=["m3", "m5"]), states(incident()))
    assert [page.model_id for page in pages] == ["m3"] * 3
    assert "2 models (m3, m5)" in pages[0].message


def test_routes_decide_by_the_series_of_each_model() -> None:
    """A route by feature and model leads an incident to the sink if one of its series matches."""
    match = {"match": ["feature = fx_rate", "model = m6"], "sinks": ["pager"]}
    pages = sent(reader_of(routes=[match, {"sinks": ["other"]}]), states(incident()))
    assert [page.model_id for page in pages] == ["m6"] * 3


def test_a_sink_of_ends_gets_the_end() -> None:
    """The page is not sent, and the end of what was paged is."""
    assert [page.status for page in sent(reader_of(statuses=["resolved"]), states(incident()))] == [
        "resolved"
    ]


def test_a_severity_is_that_of_the_models_of_the_sink() -> None:
    """A critical model of others does not make a warning critical."""
    log = [(fired("a"), 0.0), (fired("b", severity="critical"), 1.0), (Tick(), 20.0)]
    assert [page.severity for page in sent(reader_of(models=["a"]), states(log))] == ["warning"]
    assert sent(reader_of(models=["a"], severity="critical"), states(log)) == []
    assert len(sent(reader_of(models=["b"], severity="critical"), states(log))) == 1


def test_a_silenced_model_pages_nobody_until_it_is_heard_again() -> None:
    """Other models of the incident page; this one does once its silence has ended."""
    silence = command("silence_set", matchers={"model": "b"}, end=at(60).isoformat(), comment="")
    log = [(fired("a"), 0.0), (fired("b"), 1.0), (silence, 2.0), (Tick(), 20.0)]
    assert [page.model_id for page in sent(reader_of(), states(log))] == ["a"]
    reader = reader_of(models=["b"])
    assert sent(reader, states(log)) == []
    [page] = sent(reader, states([*log, (Tick(), 70.0)]))
    assert (page.model_id, page.status) == ("b", "firing")


def test_a_first_page_after_a_restart_is_firing() -> None:
    """What was remembered of a page for others does not make this one an update."""
    begin = [(fired("a"), 0.0), (Tick(), 20.0)]
    before = states(begin)
    reader = reader_of(models=["b"], statuses=["firing", "resolved"])
    for value in before:
        reader.remember(value)
    after = states([*begin, (fired("b"), 30.0), (Tick(), 60.0)])[len(before) :]
    assert [page.status for page in sent(reader, after)] == ["firing"]


def test_an_incident_that_never_paged_has_no_end() -> None:
    """What ends within the wait for other models is not sent at all."""
    alert = fired("m0")
    assert sent(reader_of(), states([(alert, 0.0), (later(alert), 3.0), (Tick(), 20.0)])) == []


def test_other_records_of_the_topic_are_passed_over() -> None:
    """Deletions, silences and positions are skipped; a malformed incident is an error."""
    reader = reader_of()
    for value in (b"", b'{"silence_id": "s"}', b'{"number": 7}', b"\xff"):
        assert reader.read(value) is None
    with pytest.raises(ValidationError):
        reader.read(b'{"incident_id": "i"}')


def test_who_asks_for_critical_hears_of_an_incident_that_has_risen() -> None:
    """A pager of critical ones hears of it then; a route of warnings still hears of its end."""
    escalation = [EscalationRule(models=3)]
    begin = [(fired("a"), 0.0), (Tick(), 20.0), (fired("b"), 30.0), (fired("c"), 31.0)]
    values = states(
        [*begin, *((later(fired(model)), 60.0) for model in "abc")], escalation=escalation
    )
    pages = sent(reader_of(severity="critical"), values)
    assert [(page.status, page.severity) for page in pages] == [
        ("firing", "critical"),
        ("resolved", "critical"),
    ]
    warnings = [{"match": ["severity = warning"], "sinks": ["pager"]}, {"sinks": ["other"]}]
    pages = sent(reader_of(routes=warnings), values)
    assert [page.status for page in pages] == ["firing", "resolved"]
