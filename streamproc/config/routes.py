"""Which sinks hear of which alerts: a tree of routes, as Alertmanager's."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import AliasChoices, Field

from streamproc.config.matchers import LABELS, Label, Matcher, MatcherText, parse_matcher
from streamproc.schemas.section import Path, Section
from streamproc.schemas.units import Duration


class Route(Section):
    """The alerts that match, and the sinks that hear of them.

    An alert goes to the first route that matches, and on to the next one if that says `continue`.
    Within a route it goes to the child routes in the same way, or to the route's sinks if no child
    matches.
    """

    match: Annotated[
        tuple[MatcherText, ...],
        Field(
            strict=False,
            max_length=32,
            description="Conditions that all have to hold: a label (`model`, `owner`, `severity`,"
            " `kind`, `detector`, `series`, `feature`, `segment.<tag>`), one of `=`, `!=`, `=~`,"
            " `!~`, and a value; regular expressions match the whole value, a missing label is"
            " empty. An empty list matches every alert.",
            examples=[["owner = risk-oncall", 'severity =~ "warning|critical"']],
        ),
    ] = ()
    sinks: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            max_length=32,
            description="Names of sinks and webhooks; their own filters apply, too. An empty list:"
            " those of the parent.",
            examples=[["on-call", "chat"]],
        ),
    ] = ()
    continue_: Annotated[
        bool,
        Field(
            validation_alias=AliasChoices("continue", "continue_"),
            description="Whether the next routes are tried, too, after this one has matched.",
            examples=[True],
        ),
    ] = False
    group_by: Annotated[
        tuple[Label, ...] | None,
        Field(
            strict=False,
            max_length=len(LABELS),
            description="Labels of `match`, without `segment.<tag>`: incidents that agree in them"
            " are one notification, to sinks that follow incidents. An empty list: all incidents"
            " of the route. null: the parent's, or each incident by itself.",
            examples=[["owner"]],
        ),
    ] = None
    group_wait: Annotated[
        Duration | None,
        Field(
            description="How long the first notification of a group waits for further incidents,"
            " from when the first one joins it; critical incidents do not wait. null: the"
            " parent's, or `policy.group_wait`.",
            examples=["30s"],
        ),
    ] = None
    group_interval: Annotated[
        Duration | None,
        Field(
            ge=timedelta(seconds=1),
            description="How long the next notification of a group waits for further changes;"
            " critical incidents do not wait. null: the parent's, or 5m.",
            examples=["5m"],
        ),
    ] = None
    repeat_interval: Annotated[
        Duration | None,
        Field(
            ge=timedelta(minutes=1),
            description="How long after its last notification a group notifies again if one of its"
            " incidents is still firing and nobody has acknowledged it. null: the parent's, or each"
            " incident by `policy.repeat_interval`.",
            examples=["4h"],
        ),
    ] = None
    routes: Annotated[
        tuple["Route", ...],
        Field(
            strict=False,
            max_length=100,
            description="Child routes, with the same keys.",
            examples=[[{"match": ["severity = critical"], "sinks": ["on-call"]}]],
        ),
    ] = ()

    def matchers(self) -> tuple[Matcher, ...]:
        """Return the parsed conditions."""
        return tuple(map(parse_matcher, self.match))


def all_routes(
    routes: Sequence[Route], path: Path = ("routes",), inherited: tuple[str, ...] = ()
) -> Iterator[tuple[Path, Route, tuple[str, ...]]]:
    """Yield every route of a tree, with its path and its sinks."""
    for place, route in enumerate(routes):
        sinks = route.sinks or inherited
        yield (*path, place), route, sinks
        yield from all_routes(route.routes, (*path, place, "routes"), sinks)
