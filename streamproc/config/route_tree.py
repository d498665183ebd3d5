"""Find the routes that an alert takes, with what they inherit from their parents. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from streamproc.config.matchers import Label
from streamproc.config.routes import Route, all_routes
from streamproc.config.sink import SinkSection
from streamproc.schemas.section import Path

GROUP_INTERVAL: Final = timedelta(minutes=5)
"""Alertmanager's default."""


class Leaf(NamedTuple):
    """A route in which an alert ends.

    Attributes
    ----------
    conditions
        Those of all routes on the way, as text: which route it is, wherever it stands.
    sinks
        Who hears.
    group_by
        Labels in which the incidents of a notification agree; None: they are not grouped.
    group_interval
        Time between two notifications of a group.
    group_wait
        Time from the first incident of a group to its first notification; None: that of the policy.
    repeat_interval
        Time after which a group that is still firing notifies again; None: that of the policy.
    """

    conditions: str = ""
    sinks: tuple[str, ...] = ()
    group_by: tuple[Label, ...] | None = None
    group_interval: timedelta = GROUP_INTERVAL
    group_wait: timedelta | None = None
    repeat_interval: timedelta | None = None

    def child(self, route: Route) -> "Leaf":
        """Return a route below this one."""
        return Leaf(
            f"{self.conditions}/{{{', '.join(map(str, route.matchers()))}}}",
            route.sinks or self.sinks,
            self.group_by if route.group_by is None else route.group_by,
            route.group_interval or self.group_interval,
            self.group_wait if route.group_wait is None else route.group_wait,
            route.repeat_interval or self.repeat_interval,
        )


_ROOT: Final = Leaf()


def leaves_of(
    routes: Sequence[Route], labels: Mapping[str, str], above: Leaf = _ROOT
) -> tuple[Leaf, ...] | None:
    """Return the routes in which an alert ends; None: no route matches it.

    Examples
    --------
    >>> routes = (Route(match=("owner = risk",), sinks=("pager",), group_by=("model",)),)
    >>> [leaf] = leaves_of(routes, {"owner": "risk"})
    >>> leaf.sinks, leaf.group_by, leaf.conditions
    (('pager',), ('model',), '/{owner = risk}')
    """
    found: list[Leaf] = []
    is_matched = False
    for route in routes:
        if not all(matcher.matches(labels) for matcher in route.matchers()):
            continue
        here = above.child(route)
        inner = leaves_of(route.routes, labels, here)
        found += (here,) if inner is None else inner
        is_matched = True
        if not route.continue_:
            break
    return tuple(found) if is_matched else None


def unrouted_sinks(
    routes: Sequence[Route], sinks: Sequence[SinkSection]
) -> Iterator[tuple[Path, str]]:
    """Yield the sinks that no route leads to, and that hear of nothing else."""
    named = {name for _, _, names in all_routes(routes) for name in names}
    for place, sink in enumerate(sinks):
        if sink.only_routed and sink.name not in named:
            yield (
                ("sinks", place, "name"),
                "no entry of `routes` leads to it: it hears of nothing",
            )


def grouping_problems(
    routes: Sequence[Route],
    sinks: Sequence[SinkSection],
    path: Path = ("routes",),
    above: Leaf = _ROOT,
) -> Iterator[tuple[Path, str]]:
    """Yield the settings of groups that have no effect, and why."""
    for place, route in enumerate(routes):
        here, leaf = (*path, place), above.child(route)
        followers = [each for each in sinks if each.follows_incidents and each.name in leaf.sinks]
        if route.group_by is not None and leaf.sinks and not followers:
            who = f"{', '.join(leaf.sinks)} {'get' if len(leaf.sinks) > 1 else 'gets'}"
            yield (*here, "group_by"), f"groups nothing: {who} each alert by itself"
        if leaf.group_by is None and not route.routes:
            for key in ("group_wait", "group_interval", "repeat_interval"):
                if getattr(route, key) is not None:
                    yield (*here, key), "needs `group_by`: incidents are not grouped here"
        yield from grouping_problems(route.routes, sinks, (*here, "routes"), leaf)
