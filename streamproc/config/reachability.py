"""Find routes that no alert can reach. Pure.

A route is refused only if that is proven: its conditions exclude each other, or earlier routes
without `continue` match whatever it matches. Severity and kind have few values, so that each
combination is tried; of other labels the conditions are compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final, get_args

from streamproc.config.matchers import Matcher
from streamproc.config.routes import Route
from streamproc.schemas.alerts import Kind, Severity
from streamproc.schemas.section import Path

_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "severity": get_args(Severity),
    "kind": get_args(Kind),
}
_Case = Mapping[str, str]
_Earlier = list[tuple[Path, tuple[Matcher, ...]]]


def unreachable(routes: Sequence[Route]) -> Iterator[tuple[Path, str]]:
    """Yield the path of each route that nothing can reach, and why.

    Examples
    --------
    >>> catch_all, late = Route(sinks=("a",)), Route(match=("kind = data",), sinks=("b",))
    >>> list(unreachable([catch_all, late]))
    [(('routes', 1), 'is never reached: routes[0] matches all of its alerts')]
    """
    yield from _walk(routes, ("routes",), (), [])


def excludes_itself(conditions: Sequence[Matcher]) -> bool:
    """Whether no alert can meet all conditions; True only if that is certain.

    Examples
    --------
    >>> from streamproc.config.matchers import parse_matcher
    >>> excludes_itself([parse_matcher("kind = silnce")])
    True
    """
    return not any(_is_possible(conditions, case) for case in _cases())


def _walk(
    routes: Sequence[Route], path: Path, above: tuple[Matcher, ...], before: _Earlier
) -> Iterator[tuple[Path, str]]:
    """Check routes whose parents have the conditions `above`, and earlier siblings `before`."""
    earlier = list(before)
    for place, route in enumerate(routes):
        here = (*path, place)
        conditions = (*above, *route.matchers())
        problem = _problem(conditions, earlier)
        if problem is None:
            yield from _walk(route.routes, (*here, "routes"), conditions, earlier)
        else:
            yield here, problem  # and with it all of its children
        if not route.continue_:
            earlier.append((here, (*above, *route.matchers())))


def _problem(conditions: tuple[Matcher, ...], earlier: _Earlier) -> str | None:
    cases = [case for case in _cases() if _is_possible(conditions, case)]
    if not cases:
        return "is never reached: its conditions exclude each other"
    taken: set[Path] = set()
    for case in cases:
        taker = next((at for at, taking in earlier if _implied(taking, conditions, case)), None)
        if taker is None:
            return None
        taken.add(taker)
    names = ", ".join(_named(path) for path in sorted(taken, key=str))
    verb = "matches" if len(taken) == 1 else "match"
    return f"is never reached: {names} {verb} all of its alerts"


def _cases() -> Iterator[_Case]:
    for values in product(*_VALUES.values()):
        yield dict(zip(_VALUES, values, strict=True))


def _is_possible(conditions: Sequence[Matcher], case: _Case) -> bool:
    """Whether conditions can hold together; False only if that is certain."""
    known = {matcher.label: matcher.value for matcher in conditions if matcher.operator == "="}
    values = {**known, **case}
    return all(
        matcher.accepts(values[matcher.label]) for matcher in conditions if matcher.label in values
    )


def _implied(taking: tuple[Matcher, ...], conditions: tuple[Matcher, ...], case: _Case) -> bool:
    """Whether whatever meets the conditions also meets `taking`; True only if that is certain."""
    known = {matcher.label: matcher.value for matcher in conditions if matcher.operator == "="}
    values = {**known, **case}
    return all(
        matcher.accepts(values[matcher.label])
        if matcher.label in values
        else matcher in conditions or (matcher.operator, matcher.value) == ("=~", ".*")
        for matcher in taking
    )


def _named(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
