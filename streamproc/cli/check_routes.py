"""Print for each model who hears of its alerts."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple, get_args

from streamproc.config.config import Config
from streamproc.config.matchers import Matcher
from streamproc.config.model import ModelConfig
from streamproc.config.route_tree import Leaf
from streamproc.config.routes import Route
from streamproc.config.sink import SinkSection
from streamproc.schemas.alerts import Kind, Severity
from streamproc.schemas.units import format_duration
from streamproc.terminal import printable

_SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_GLOB: Final = frozenset("*?[")

_Labels = Mapping[str, tuple[str, ...]]
"""The values that a label can have; labels that are not there can have any value."""


class _Heard(NamedTuple):
    """The route by which sinks hear of alerts, under conditions that only an alert decides."""

    leaf: Leaf
    conditions: tuple[str, ...]

    def name(self, sink: SinkSection) -> str:
        """Return a sink's name, with the labels by which it gets incidents in groups."""
        labels = self.leaf.group_by
        if labels is None or not sink.follows_incidents:
            return sink.name
        by = " and ".join(labels) or "route"
        leaf = self.leaf
        after = leaf.group_wait is not None and f" after {format_duration(leaf.group_wait)}"
        again = leaf.repeat_interval and f" and again after {format_duration(leaf.repeat_interval)}"
        every = f"every {format_duration(leaf.group_interval)}"
        return f"{sink.name} grouped by {by}{after or ''} {every}{again or ''}"


def who_hears(config: Config) -> Iterator[str]:
    """Yield a line for the alerts of each configured model, and for those of every other model.

    Examples
    --------
    >>> from streamproc.config.load import load
    >>> hook = {"name": "pager", "url_env": "URL", "allow": ["a.example.org"]}
    >>> [line] = who_hears(load({"webhooks": [hook | {"severity": "critical"}]}))
    >>> line.split(": ")[1:]
    ['data, prediction, concept, performance, quality, silence, blind', 'nobody; system', 'pager']
    """
    if not config.all_sinks:
        return
    for model in config.models:
        yield _line(config, f"model {printable(model.id)}", model)
    if not any(model.id == "*" for model in config.models):
        other = "every other model" if config.models else "every model"
        yield _line(config, other, ModelConfig.model_validate({"id": "*"}))


def _line(config: Config, title: str, model: ModelConfig) -> str:
    heard: dict[str, list[str]] = {}
    for about, kind, severity in _alerts_of(model):
        heard.setdefault(_sinks_of_kind(config, model, kind, severity), []).append(about)
    return f"{title}: " + "; ".join(f"{', '.join(kinds)}: {who}" for who, kinds in heard.items())


def _alerts_of(model: ModelConfig) -> Iterator[tuple[str, str, Severity]]:
    """Yield what alerts of a model can be about, their kind, and the severity of the first one."""
    of_rules = {rule.severity or model.severity for rule in model.rules}
    for kind in get_args(Kind):
        if kind != "rule":
            yield kind, kind, _SEVERITIES[-1] if kind == "system" else model.severity
            continue
        for severity in sorted(of_rules, key=_SEVERITIES.index):
            yield f"rule ({severity})" if len(of_rules) > 1 else "rule", kind, severity


def _sinks_of_kind(config: Config, model: ModelConfig, kind: str, severity: Severity) -> str:
    labels = _labels(model, kind, severity)
    found, is_certain = _walk(config.routes, labels, Leaf(), ())
    if not is_certain:
        every = tuple(sink.name for sink in config.all_sinks if not sink.only_routed)
        conditions = ("no other route matches",) if found else ()
        found.append(_Heard(Leaf(sinks=every), conditions))
    shown: dict[str, list[str]] = {}
    for heard in found:
        for sink in config.all_sinks:
            if sink.name in heard.leaf.sinks and _may_want(sink, labels, model, severity):
                shown.setdefault(heard.name(sink), []).append(" and ".join(heard.conditions))
    who = [
        name if "" in conditions else f"{name} (if {' or '.join(dict.fromkeys(conditions))})"
        for name, conditions in shown.items()
    ]
    return ", ".join(who) or "nobody"


def _labels(model: ModelConfig, kind: str, severity: Severity) -> _Labels:
    """Return what is known of a model's alerts: a finding may raise their severity by a step."""
    rank = _SEVERITIES.index(severity)
    severities = _SEVERITIES if kind == "system" else _SEVERITIES[rank : rank + 2]
    known = {"kind": (kind,), "severity": severities, "owner": (model.owner or "",)}
    return known if _GLOB & set(model.id) else {**known, "model": (model.id,)}


def _may_want(sink: SinkSection, labels: _Labels, model: ModelConfig, first: Severity) -> bool:
    """Whether the sink's filters let the first alert of such an incident through."""
    is_urgent = _SEVERITIES.index(first) >= _SEVERITIES.index(sink.severity)
    is_exact = "model" in labels
    return is_urgent and (not is_exact or any(fnmatchcase(model.id, glob) for glob in sink.models))


def _walk(
    routes: Sequence[Route],
    labels: _Labels,
    above: Leaf,
    conditions: tuple[str, ...],
) -> tuple[list[_Heard], bool]:
    """Return who may hear, and whether one of the routes matches for certain."""
    found: list[_Heard] = []
    is_certain = False
    for route in routes:
        open_conditions: list[str] = []
        verdicts = [_verdict(matcher, labels) for matcher in route.matchers()]
        if False in verdicts:
            continue
        for matcher, verdict in zip(route.matchers(), verdicts, strict=True):
            if verdict is None:
                open_conditions.append(printable(str(matcher)))
        here = (*conditions, *open_conditions)
        leaf = above.child(route)
        inner, is_inner_certain = _walk(route.routes, labels, leaf, here)
        found += inner
        if not is_inner_certain:
            found.append(_Heard(leaf, here))
        if not open_conditions:
            is_certain = True
            if not route.continue_:
                break
    return found, is_certain


def _verdict(matcher: Matcher, labels: _Labels) -> bool | None:
    """Whether all, none or (None) some of the possible values match."""
    if matcher.label not in labels:
        return None
    verdicts = {matcher.accepts(value) for value in labels[matcher.label]}
    return verdicts.pop() if len(verdicts) == 1 else None
