"""`group_wait` and `repeat_interval` of a route count instead of the policy's."""

from datetime import timedelta

import pytest
from incidents.grouped_logs import BY_OWNER, apart, pages
from incidents.logs import command, later

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.incidents.entries import Tick

HOUR = timedelta(hours=1)
SLOW = BY_OWNER | {"group_wait": "40s"}
OFTEN = BY_OWNER | {"repeat_interval": "5m"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k" * 32)


def times(found: list[tuple[str, float, str]]) -> list[tuple[str, float]]:
    """Return the status and the time of each page."""
    return [(status, seconds) for status, seconds, _ in found]


@pytest.mark.parametrize(("wait", "seconds"), [("40s", 40), ("2s", 2)])
def test_a_group_waits_as_long_as_its_route_says(wait: str, seconds: float) -> None:
    """Longer or shorter than `policy.group_wait` of 10 s; it tells of all that came by then."""
    log = [(apart("a"), 0.0), (apart("b"), seconds / 2), (Tick(), 55.0)]
    [(status, after, message)] = pages(log, BY_OWNER | {"group_wait": wait})
    assert (status, after, message.split(" (")[0]) == ("firing", seconds, "2 incidents")


def test_a_group_need_not_wait() -> None:
    """`group_wait: 0s` notifies of the first incident at once."""
    log = [(apart("a"), 0.0), (Tick(), 55.0)]
    assert times(pages(log, BY_OWNER | {"group_wait": "0s"})) == [("firing", 0)]


def test_a_child_inherits_the_times_of_its_parent() -> None:
    """A child route waits and repeats as its parent does, unless it has its own."""
    children = [
        {"match": ["owner = risk"], "sinks": ["pager"]},
        {"match": ["owner = ads"], "sinks": ["pager"], "group_wait": "3s"},
    ]
    route = SLOW | {"repeat_interval": "10m", "routes": children}
    log = [(apart("a"), 0.0), (apart("b", "ads"), 0.0), (Tick(), 700.0)]
    assert times(pages(log, route)) == [
        ("firing", 3),
        ("firing", 40),
        ("updated", 603),
        ("updated", 640),
    ]


def test_a_critical_incident_does_not_wait_for_its_route() -> None:
    """It pages at once, and takes with it what waits."""
    log = [(apart("a"), 0.0), (apart("b", severity="critical"), 5.0), (Tick(), 55.0)]
    [(status, seconds, message)] = pages(log, SLOW)
    assert (status, seconds, message.split(" (")[0]) == ("firing", 5, "2 incidents")


def test_what_ends_or_is_acknowledged_while_its_route_waits_is_not_sent() -> None:
    """It has paged by the policy meanwhile, of which this sink has not heard."""
    one = apart("a")
    known = command("incident_ack", incident_id="incident of b")
    log = [(one, 0.0), (apart("b"), 1.0), (later(one), 20.0), (known, 25.0), (Tick(), 300.0)]
    assert pages(log, SLOW) == []


def test_a_new_incident_of_a_group_that_has_notified_waits_too() -> None:
    """Other models with its cause join it meanwhile: no page after less than the wait."""
    log = [(apart("a"), 0.0), (apart("b"), 300.0), (Tick(), 400.0)]
    assert times(pages(log, SLOW)) == [("firing", 40), ("updated", 340)]


def test_a_group_notifies_again_while_it_fires() -> None:
    """Five minutes after the last notification, until somebody acknowledges or it ends."""
    acknowledged = command("incident_ack", incident_id="incident of a")
    log = [(apart("a"), 0.0), (acknowledged, 700.0), (Tick(), 2000.0)]
    assert times(pages(log, OFTEN)) == [
        ("firing", 10),
        ("updated", 310),
        ("updated", 610),
        ("acknowledged", 700),
    ]
    one = apart("a")
    log = [(one, 0.0), (later(one), 400.0), (Tick(), 2000.0)]
    assert times(pages(log, OFTEN)) == [("firing", 10), ("updated", 310), ("resolved", 400)]


def test_what_has_settled_is_not_repeated() -> None:
    """It is quiet on another level; nobody is paged again for it."""
    one = apart("a")
    log = [(one, 0.0), (later(one, "settled"), 100.0), (Tick(), 2000.0)]
    assert times(pages(log, OFTEN)) == [("firing", 10)]


def test_the_interval_of_a_route_counts_instead_of_that_of_the_policy() -> None:
    """A route that repeats daily gets none of the policy's hourly pages; others do."""
    log = [(apart("a"), 0.0), (Tick(), 2 * 86_400.0)]
    daily = pages(log, BY_OWNER | {"repeat_interval": "1d"}, repeat=HOUR)
    assert times(daily) == [("firing", 10), ("updated", 86_410)]
    assert len(pages(log, BY_OWNER, repeat=HOUR)) == 48


def test_what_is_reopened_pages_also_where_repetitions_do_not() -> None:
    """The page of an incident that comes back is a new one."""
    one = apart("a")
    back = later(one, "firing", 200)
    log = [(one, 0.0), (Tick(), 8000.0), (later(one), 8100.0), (back, 8200.0), (Tick(), 8300.0)]
    found = pages(log, BY_OWNER | {"repeat_interval": "1d"}, repeat=HOUR)
    assert times(found) == [("firing", 10), ("resolved", 8100), ("firing", 8210)]


def test_repetitions_of_a_route_are_not_faster_than_a_minute() -> None:
    """As those of the policy; and times are refused where nothing is grouped."""
    sink = {"name": "pager", "kind": "pagerduty", "routing_key_env": "KEY"}
    for fields, message in (
        (BY_OWNER | {"repeat_interval": "10s"}, r"routes\[0\]\.repeat_interval"),
        ({"sinks": ["pager"], "repeat_interval": "4h"}, r"repeat_interval: needs `group_by`"),
        ({"sinks": ["pager"], "group_wait": "4s"}, r"group_wait: needs `group_by`"),
    ):
        with pytest.raises(ConfigError, match=message):
            load({"sinks": [sink], "routes": [fields]})
