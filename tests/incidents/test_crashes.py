"""Any split of the log, and a crash at any record, give the same incidents."""

from hypothesis import given
from hypothesis import strategies as st
from incidents.logs import Owner, at, command, contents, expected, fired, later, sighted, tick

from streamproc.incidents.commands import silence_id_of
from streamproc.incidents.entries import Entry
from streamproc.incidents.records import BookRecord, StoredBook, StoredValues
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.notification_groups import GROUP_KEY

Log = list[tuple[Entry, float]]


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Draw a log of alerts of a few models, of commands, and of the time that passes."""
    known = [fired("m0")]
    log: Log = [(known[0], 0.0)]
    now = 0.0
    for number in range(draw(st.integers(1, 25))):
        now += draw(st.sampled_from((0.0, 1.0, 5.0, 60.0, 3600.0, 90_000.0)))
        match draw(st.integers(0, 7)):
            case 0 | 1 | 2:
                known.append(_first(draw, now))
                entry: Entry = known[-1]
            case 3:
                status = draw(st.sampled_from(("updated", "resolved")))
                known.append(later(draw(st.sampled_from(known)), status, draw(st.integers(0, 3))))
                entry = known[-1]
            case 4:
                entry = draw(st.sampled_from(known))
            case 5:
                entry = _command(draw, number, now)
            case 6:
                model, version = draw(st.sampled_from("abcd")), draw(st.sampled_from("78"))
                entry = sighted(model, version, now - draw(st.sampled_from((0.0, 50.0))))
            case _:
                entry, _ = tick(0)
        log.append((entry, now))
    return log


def _first(draw: st.DrawFn, now: float) -> AlertEvent:
    return fired(
        draw(st.sampled_from("abcd*")),
        kind=draw(st.sampled_from(("data", "data", "data", "silence"))),
        detector=draw(st.sampled_from(("adwin", "adwin", "state_gap"))),
        onset=now - draw(st.sampled_from((0.0, 30.0, 100.0))),
        series=draw(st.sampled_from(("feature:x", "feature:y", "prediction"))),
        severity=draw(st.sampled_from(("warning", "warning", "critical"))),
    )


def _command(draw: st.DrawFn, number: int, now: float) -> Entry:
    incident = f"incident of {draw(st.sampled_from('abcd'))}"
    end = at(now + draw(st.sampled_from((0.0, 3.0, 70.0))))
    silence = silence_id_of(f"ana#{draw(st.integers(0, 25))}")
    return draw(
        st.sampled_from(
            (
                command("incident_ack", number, incident_id=incident, until=end),
                command("incident_accept", number, incident_id=incident),
                command("incident_note", number, incident_id=incident, text="looked"),
                command("silence_set", number, matchers={"model": "[ab]"}, end=end, comment=""),
                command("silence_set", number, matchers={"feature": "x"}, end=end, comment=""),
                command("silence_remove", number, silence_id=silence),
                command("deployment_announce", number, model_id="a", model_version="8"),
                command("deployment_announce", number, model_id="b", model_version="7", at=end),
            )
        )
    )


@given(logs(), st.data())
def test_any_split_gives_the_same_incidents(log: Log, data: st.DataObject) -> None:
    """How many alerts a poll returns changes nothing, and neither does a new owner in between."""
    owner = Owner(log)
    while not owner.done:
        owner.topic += owner.batch(data.draw(st.integers(1, 8)))
        if data.draw(st.booleans()):
            owner = Owner(log, owner.topic)
    assert contents(owner.topic) == expected(log)


def test_what_is_due_at_one_moment_has_its_order_after_a_restart() -> None:
    """A time that a state had before, and a new owner does not know of, brings nothing forward."""
    first = fired("m0")
    log: Log = [
        (first, 0.0),
        (fired("a", series="prediction", onset=0), 0.0),
        (fired("b", series="prediction", onset=60), 60.0),
        (fired("a", series="feature:x", onset=60), 60.0),
        (fired("b", series="feature:y", onset=60, severity="critical"), 60.0),
        (later(first, "updated", 0), 60.0),
        (first, 120.0),
    ]
    owner = Owner(log)
    owner.topic += owner.batch(5)
    owner = Owner(log, owner.topic)
    owner.topic += owner.batch(len(log))
    assert contents(owner.topic) == expected(log)


@given(logs(), st.data())
def test_a_crash_at_any_record_gives_the_same_incidents(log: Log, data: st.DataObject) -> None:
    """An owner that is killed while it writes leaves nothing that its successor takes for true."""
    topic: list[BookRecord] = []
    for _ in range(data.draw(st.integers(1, 3))):
        owner = Owner(log, topic)
        if owner.done:
            break
        records = owner.batch(data.draw(st.integers(1, 8)))
        topic += records[: data.draw(st.integers(0, len(records)))]
    owner = Owner(log, topic)
    topic += owner.batch(len(log))
    assert contents(topic) == expected(log)


@given(logs(), st.data())
def test_two_owners_at_once_give_the_same_incidents(log: Log, data: st.DataObject) -> None:
    """An owner that was stopped, and goes on beside its successor, changes nothing."""
    topic: list[BookRecord] = []
    waiting: list[tuple[Owner, list[BookRecord]]] = [(Owner(log), []), (Owner(log), [])]
    while active := [each for each in waiting if each[1] or not each[0].done]:
        owner, records = data.draw(st.sampled_from(active))
        if not records:
            records += owner.batch(data.draw(st.integers(1, 8)))
        topic.append(records.pop(0))
    assert contents(topic) == expected(log)


@given(logs(), st.data())
def test_alerts_that_come_again_change_nothing(log: Log, data: st.DataObject) -> None:
    """A worker that was killed publishes its last alerts again, in their order."""
    begin = data.draw(st.integers(0, len(log) - 1))
    now = log[-1][1]
    again = [(entry, now) for entry, _ in log[begin:] if isinstance(entry, AlertEvent)]
    assert expected(log) == expected([*log, *again])


def test_a_stale_record_is_found() -> None:
    """What a replaced owner has written last is known, so that the owner can write over it."""
    log: Log = [(fired("a"), 0.0), (fired("a", "age"), 1.0)]
    slow, owner = Owner(log), Owner(log)
    late = slow.batch(1)
    topic = [*owner.batch(2), *late]
    stored = StoredBook()
    stored.feed(topic)
    assert {key for key in stored.stale if not key.startswith(GROUP_KEY)} == {"incident of a"}
    assert contents(topic) == expected(log)
    assert stored.position == owner.position


def test_records_of_others_are_ignored() -> None:
    """A record without a position is not one of the worker's."""
    stored = StoredBook()
    topic = Owner([(fired("a"), 0.0)]).batch(1)
    strange = [record._replace(headers=[]) for record in topic]
    damaged = [topic[-1]._replace(value=b"\xff")]
    values = StoredValues()
    assert stored.feed([*strange, *damaged, topic[0]._replace(value=b"{")]) == {}
    values.update(stored.feed(topic[-1:]))
    assert values.incidents == {}
