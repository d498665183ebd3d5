import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alert_factory import alert
from hypothesis import given
from hypothesis import strategies as st
from record_logs import noise, record, run, shard

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incident_group import MAX_NAMED
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent

QUICK = {"policy": {"resolve_after": 300}}


def watch(events: list[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Return what is said of a log, of which nothing is left open."""
    target = shard(config or QUICK)
    alerts = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert len(target.groups) == len(target.incidents.open) == 0
    assert target.groups.open == {}
    return alerts


def of_status(alerts: list[AlertEvent], status: str) -> list[AlertEvent]:
    """Return the alerts of a status."""
    return [each for each in alerts if each.status == status]


def test_series_that_change_together_are_one_incident() -> None:
    """Each series tells its own firing and end, with its own id, under one incident's."""
    alerts = watch(noise(4000, seed=3, shift_at=2000, back_at=2250, a=6.0, b=4.0))

    assert {each.incident_id for each in alerts} == {alerts[0].incident_id}
    assert len({each.alert_id for each in alerts}) == len(alerts) == 4
    firing, resolved = of_status(alerts, "firing"), of_status(alerts, "resolved")
    assert {each.series for each in firing} == {"feature:a", "feature:b"}
    assert {each.series for each in resolved} == {"feature:a", "feature:b"}


def test_an_alert_says_whose_change_it_is_from_the_second_series_on() -> None:
    """One series has no contributors; several have shares of one whole, the largest first."""
    first, *rest = watch(noise(4000, seed=3, shift_at=2000, back_at=2250, a=6.0, b=12.0))

    assert first.contributors is None
    for each in rest:
        assert each.contributors
        assert [part.series for part in each.contributors] == ["feature:b", "feature:a"]
        shares = [part.share for part in each.contributors]
        assert sum(shares) == pytest.approx(1, abs=0.001)
        assert shares[0] == pytest.approx(0.8, abs=0.1)  # 12 deviations against 3


def test_the_sentence_says_that_it_is_one_incident() -> None:
    """A series that joins names those before it; one that is back, what goes on; the last, the end.

    That of the first has nothing of it, since there was only one.
    """
    alerts = watch(noise(4000, seed=3, shift_at=2000, back_at=2250, a=6.0, b=4.0))
    (one, other), (settled, last) = of_status(alerts, "firing"), of_status(alerts, "resolved")
    name = "feature {!r}".format

    assert "incident" not in one.message
    assert other.message.endswith(f"; one incident with {name(one.series[-1])}")
    assert settled.message.endswith(f"; the incident goes on with {name(last.series[-1])}")
    assert last.message.endswith("; the incident is over")


def test_what_begins_after_the_first_alert_is_another_incident() -> None:
    """A feature that changes while another's incident is open, and was told, is news."""
    events = noise(4000, seed=3, shift_at=2000, back_at=2500, a=6.0)
    for event in events[2200:2700]:
        event["features"]["b"] += 8.0
    alerts = watch(events)

    told = {each.series: each.incident_id for each in of_status(alerts, "firing")}
    assert len(set(told.values())) == 2
    assert [each.contributors for each in alerts] == [None] * len(alerts)


def test_models_do_not_share_incidents() -> None:
    """Two models that change at once have an incident each."""
    events = noise(6000, seed=3, shift_at=3000, back_at=4000, a=6.0, b=8.0)
    for index, event in enumerate(events):
        event["model_id"] = "mn"[index % 2]
    alerts = watch(events)

    of_models = {(each.model_id, each.incident_id) for each in alerts}
    assert len(of_models) == len({incident for _, incident in of_models}) == 2


def test_an_outage_of_many_features_stays_short() -> None:
    """Where hundreds of series change at once an alert names the largest, and counts the rest."""
    draw = random.Random(2)
    names = [f"f{number:03}" for number in range(150)]
    events = [
        {"model_id": "m", "prediction": 0.5, "ts": 1.7e9 + index}
        | {"features": {name: draw.gauss(8 * (index > 400), 1) for name in names}}
        for index in range(600)
    ]
    said = run(shard(), [record(i, event) for i, event in enumerate(events)]).alerts
    firing = of_status(said, "firing")

    assert len(firing) > 100
    first, last = firing[0], firing[-1]
    assert {each.incident_id for each in firing} == {first.incident_id}
    assert last.contributors
    assert len(last.contributors) == MAX_NAMED
    assert sum(part.share for part in last.contributors) < 1
    assert last.message.endswith(f" and {len(firing) - 3} more")
    assert len(last.to_json()) < 4000


def test_a_feature_that_becomes_something_else_is_in_no_incident() -> None:
    """A series that is not watched any more leaves its incident, which can end without it."""
    events = noise(4000, seed=3, shift_at=2000, back_at=2400, a=6.0, b=8.0)
    for event in events[2100:]:
        event["features"]["b"] = "text"
    alerts = watch(events)

    [end] = [each for each in of_status(alerts, "resolved") if each.series == "feature:a"]
    assert end.message.endswith("; the incident is over")


def test_a_series_whose_name_becomes_a_feature_s_is_in_no_incident() -> None:
    """A feature that is called as an embedding's series takes its place, and ends its part."""
    draw = random.Random(4)
    events = noise(1600, seed=3, shift_at=800, a=6.0)
    for index, event in enumerate(events):
        size = 1 + 5 * (index >= 800)
        event["features"]["e"] = [size * draw.gauss(0, 1) for _ in range(4)]
        if index > 900:
            event["features"]["e:norm"] = draw.gauss(0, 1)
    others = {"on": "*", "detectors": ["adwin", "page_hinkley"]}
    watched = [{"on": "feature:e", "detectors": ["adwin"]}, others]
    target = shard({"models": [{"id": "*", "watch": watched}]})
    records = [record(index, event) for index, event in enumerate(events)]

    assert "feature:e:norm" in {each.series for each in run(target, records[:900]).alerts}
    run(target, records[900:905])
    [group] = target.groups.open["m"]
    assert "feature:e:norm" not in group.open
    assert {("m", series) for series in group.open} == target.incidents.open.keys()


T0 = datetime(2026, 1, 5, tzinfo=UTC)


def said(at: int, series: str, status: str, began: int | None) -> PendingAlert:
    """Say something of a series at an offset."""
    told = alert(
        f"{at} {series}",
        status=status,
        incident_id=f"{at} {series}",
        model_id="m",
        series=series,
        ts=T0 + timedelta(seconds=at),
        source={"topic": "predictions", "partition": 0, "offset": at},
        change_point=None if began is None else {"offset": began},
    )
    return PendingAlert(at, series, told, "m", 1.0 + len(series))


STEP = st.tuples(st.integers(0, 3), st.sampled_from("abcdef"), st.none() | st.integers(0, 40))


@given(steps=st.lists(STEP, max_size=60))
def test_the_rule_is_that_of_the_first_alert(steps: list[tuple[int, str, int | None]]) -> None:
    """A change is of the earliest open incident that was first told when it had begun, or new."""
    groups, at = IncidentGrouper(), 0
    first: dict[str, int] = {}  # incident → when it was first told
    of: dict[str, str] = {}  # open series → its incident
    for later, series, back in steps:
        at += later
        if series in of:
            told = groups.assign(said(at, series, "resolved", None))
            expected = of.pop(series)
        else:
            began = None if back is None else max(0, at - back)
            told = groups.assign(said(at, series, "firing", began))
            known = {incident for incident in of.values() if first[incident] >= (began or 0)}
            if began is None:
                known = set(of.values())
            expected = min(known, key=lambda each: first[each], default=f"{at} {series}")
            first.setdefault(expected, at)
            of[series] = expected
        assert told is not None
        assert told.incident_id == expected
        assert len(groups) == len(set(of.values()))
    for series in sorted(of):
        groups.assign(said(at, series, "resolved", None))
    assert groups.open == {}
