"""Decide which sinks hear of an alert. Pure."""

from collections.abc import Mapping, Sequence

from streamproc.config.matchers import SEGMENT, labels_of_series
from streamproc.config.routes import Route
from streamproc.schemas.alerts import AlertEvent


def labels_of(alert: AlertEvent) -> dict[str, str]:
    """Return the labels of an alert that routes match."""
    labels = labels_of_series(
        model=alert.model_id,
        owner=alert.owner,
        severity=alert.severity,
        kind=alert.kind,
        detector=alert.detector,
        series=alert.series,
    )
    return labels | {f"{SEGMENT}{tag}": value for tag, value in (alert.segment or {}).items()}


def sinks_of(routes: Sequence[Route], labels: Mapping[str, str]) -> frozenset[str] | None:
    """Return the names of the sinks that hear of an alert; None: no route matches it.

    Without a matching route an alert goes to every sink, so that none is lost by an omission.

    Examples
    --------
    >>> routes = (Route(match=("owner = risk",), sinks=("pager",)),)
    >>> sinks_of(routes, {"owner": "risk"}), sinks_of(routes, {"owner": "ads"})
    (frozenset({'pager'}), None)
    """
    return _walk(routes, labels, ())


def _walk(
    routes: Sequence[Route], labels: Mapping[str, str], inherited: tuple[str, ...]
) -> frozenset[str] | None:
    found: frozenset[str] | None = None
    for route in routes:
        if not all(matcher.matches(labels) for matcher in route.matchers()):
            continue
        sinks = route.sinks or inherited
        inner = _walk(route.routes, labels, sinks)
        found = (found or frozenset()) | (frozenset(sinks) if inner is None else inner)
        if not route.continue_:
            break
    return found
