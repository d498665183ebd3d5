"""Route alerts to sinks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from alert_factory import alert
from hypothesis import given
from hypothesis import strategies as st

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.matchers import parse_matcher
from streamproc.config.reachability import unreachable
from streamproc.config.route_tree import leaves_of
from streamproc.config.routes import Route, all_routes
from streamproc.errors import ConfigError
from streamproc.sinks.routing import labels_of
from streamproc.sinks.targets import targets_of

SINKS = ("pager", "chat", "mail")


def config(*routes: dict[str, Any], **fields: Any) -> Config:
    """Return a configuration with three webhooks."""
    hook = {"url": "https://a.example.org/", "allow": ["a.example.org"], **fields}
    return load({"webhooks": [{"name": name, **hook} for name in SINKS], "routes": list(routes)})


def heard(routes: list[dict[str, Any]], **fields: Any) -> set[str]:
    """Return who hears of an alert."""
    targets = targets_of(config(*routes))
    return {each.settings.name for each in targets if each.wants(alert("a", **fields))}


def sinks_of(routes: Sequence[Route], labels: Mapping[str, str]) -> set[str] | None:
    """Return who hears of labels; None: no route matches them."""
    leaves = leaves_of(routes, labels)
    return None if leaves is None else {name for leaf in leaves for name in leaf.sinks}


def test_without_routes_every_sink_gets_what_it_asks_for() -> None:
    """Nothing changes for who has no routes."""
    assert heard([]) == set(SINKS)
    assert heard([], status="acknowledged") == set()


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"owner": "risk"}, {"pager"}),
        ({"owner": "risk", "severity": "critical"}, {"pager", "mail"}),
        ({"owner": "ads", "series": "feature:fx_rate"}, {"chat"}),
        ({"owner": "ads", "series": "quality:fx_rate"}, {"chat"}),
        ({"owner": "ads", "segment": {"region": "eu"}}, {"mail"}),
        ({"owner": "ads", "kind": "system"}, set(SINKS)),
    ],
)
def test_an_alert_goes_where_its_labels_lead(fields: dict[str, Any], names: set[str]) -> None:
    """Owner, severity, feature, segment and kind select; what no route matches goes everywhere."""
    routes = [
        {"match": ["severity = critical"], "sinks": ["mail"], "continue": True},
        {"match": ["owner = risk"], "sinks": ["pager"]},
        {"match": ['feature =~ "fx_.*"'], "sinks": ["chat"]},
        {"match": ["segment.region = eu"], "sinks": ["mail"]},
    ]
    assert heard(routes, **fields) == names


def test_a_child_inherits_the_sinks_of_its_parent() -> None:
    """The parent's sinks hear what no child takes, and what a child without sinks takes."""
    routes = [
        {
            "match": ["owner = risk"],
            "sinks": ["chat"],
            "routes": [
                {"match": ["severity = critical"], "sinks": ["pager"]},
                {"match": ["kind = data"]},
            ],
        }
    ]
    assert heard(routes, owner="risk", severity="critical") == {"pager"}
    assert heard(routes, owner="risk", kind="data") == {"chat"}
    assert heard(routes, owner="risk", kind="prediction") == {"chat"}


def test_the_filters_of_a_sink_apply_too() -> None:
    """A route sends a sink nothing that it does not ask for."""
    loaded = config({"match": ["owner = risk"], "sinks": ["pager"]}, severity="critical")
    assert not any(each.wants(alert("a", owner="risk")) for each in targets_of(loaded))


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([{"sinks": ["pagr"]}], "routes[0].sinks[0]: unknown sink; did you mean `pager`?"),
        ([{"match": ["owner = a"]}], "routes[0].sinks: expected at least one"),
        ([{"match": ["ownr = a"], "sinks": ["pager"]}], "routes[0].match[0]: unknown label `ownr`"),
        ([{"match": ["owner"], "sinks": ["pager"]}], "routes[0].match[0]: expected a label, one"),
        ([{"match": ["owner =~ ("], "sinks": ["pager"]}], "routes[0].match[0]: the regular expr"),
        ([{"match": ['owner = "a'], "sinks": ["pager"]}], "routes[0].match[0]: the value has a"),
        (
            [{"sinks": ["pager"]}, {"match": ["kind = data"], "sinks": ["chat"]}],
            "routes[1]: is never reached: routes[0] matches all of its alerts",
        ),
        (
            [{"sinks": ["pager"], "group_by": ["ownr"]}],
            'found "ownr"; did you mean `owner`?',
        ),
        (
            [{"sinks": ["pager"], "group_by": ["segment.region"]}],
            "routes[0].group_by[0]: expected 'model', 'owner'",
        ),
        (
            [{"sinks": ["pager"], "group_by": ["owner"]}],
            "routes[0].group_by: groups nothing: pager gets each alert by itself",
        ),
        (
            [{"sinks": ["pager"], "group_interval": "5m"}],
            "routes[0].group_interval: needs `group_by`",
        ),
        (
            [{"match": ["severity = urgent"], "sinks": ["pager"]}],
            "routes[0].match[0]: no alert has the severity 'urgent'",
        ),
        (
            [{"match": ["severity = info", "severity = critical"], "sinks": ["pager"]}],
            "routes[0]: is never reached: its conditions exclude each other",
        ),
        (
            [
                {"match": ["severity =~ warning|critical"], "sinks": ["pager"]},
                {"match": ["severity = info"], "sinks": ["mail"]},
                {"match": ["owner = a"], "sinks": ["chat"]},
            ],
            "routes[2]: is never reached: routes[0], routes[1] match all of its alerts",
        ),
        (
            [
                {
                    "match": ["owner = a"],
                    "sinks": ["pager"],
                    "routes": [{"match": ["owner = b"], "sinks": ["chat"]}],
                }
            ],
            "routes[0].routes[0]: is never reached: its conditions exclude each other",
        ),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(routes: list[Any], message: str) -> None:
    """A route to an unknown sink, or that nothing can reach, is an error that names it."""
    with pytest.raises(ConfigError) as caught:
        config(*routes)
    assert message in str(caught.value)


VALUES = {
    "owner": ("", "a", "b"),
    "severity": ("info", "warning", "critical"),
    "kind": ("data", "system", "quality"),
    "segment.region": ("", "eu"),
}
PATTERNS = {label: (*values, ".*", "|".join(values[1:])) for label, values in VALUES.items()}


def written(label: str, operators: str, values: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw conditions on a label."""
    drawn = st.sampled_from(operators.split()), st.sampled_from(values)
    return st.builds(lambda operator, value: f"{label} {operator} {value}", *drawn)


MATCHERS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda label: written(label, "= !=", VALUES[label]) | written(label, "=~ !~", PATTERNS[label])
)
LABELS = st.fixed_dictionaries({label: st.sampled_from(VALUES[label]) for label in VALUES})


def routes_of(children: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    """Draw lists of routes."""
    fields = {"match": st.lists(MATCHERS, max_size=2), "continue": st.booleans()}
    inner = st.just([]) if children is None else children
    return st.lists(st.fixed_dictionaries({**fields, "routes": inner}), max_size=3)


TREES = routes_of(routes_of(routes_of(None)))


def numbered(tree: list[Any], names: list[str]) -> tuple[Route, ...]:
    """Give each route of a tree a sink that no other one has."""
    found = []
    for route in tree:
        names.append(f"s{len(names)}")
        sink = names[-1]
        inner = numbered(route["routes"], names)
        values = {**route, "match": tuple(route["match"]), "sinks": (sink,), "routes": inner}
        found.append(Route.model_validate(values))
    return tuple(found)


@given(TREES, LABELS)
def test_who_hears_matches_all_conditions_on_the_way(tree: Any, labels: dict[str, str]) -> None:
    """A route's sink hears of an alert only if the route and its parents match it."""
    routes = numbered(tree, [])
    names = sinks_of(routes, labels)
    by_path = {path: route for path, route, _ in all_routes(routes)}
    matching = set()
    for path, route in by_path.items():
        way = [path[: end + 1] for end in range(1, len(path), 2)]
        texts = [text for step in way for text in by_path[step].match]
        if all(parse_matcher(text).matches(labels) for text in texts):
            matching |= set(route.sinks)
    assert (names or set()) <= matching
    assert (names is None) == (not any(_matches(each, labels) for each in routes))


@given(TREES, LABELS)
def test_the_first_match_ends_the_search(tree: Any, labels: dict[str, str]) -> None:
    """Routes behind a match without `continue` change nothing."""
    routes = numbered(tree, [])
    for place, route in enumerate(routes):
        if _matches(route, labels) and not route.continue_:
            assert sinks_of(routes, labels) == sinks_of(routes[: place + 1], labels)


@given(TREES, LABELS)
def test_a_route_that_is_refused_is_never_used(tree: Any, labels: dict[str, str]) -> None:
    """No route is called unreachable that some alert reaches."""
    routes = numbered(tree, [])
    by_path = {path: route for path, route, _ in all_routes(routes)}
    refused = {name for path, _ in unreachable(routes) for name in by_path[path].sinks}
    assert not refused & (sinks_of(routes, labels) or set())


def _matches(route: Route, labels: dict[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in route.matchers())


def test_the_labels_of_an_alert() -> None:
    """Every label that a route can name is there."""
    found = labels_of(alert("a", owner="risk", segment={"region": "eu"}))
    assert found == {
        "model": "fraud",
        "owner": "risk",
        "severity": "warning",
        "kind": "data",
        "detector": "adwin",
        "series": "feature:amount",
        "feature": "amount",
        "segment.region": "eu",
    }
