"""Summarise a configuration in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from streamproc.alerting.rule_messages import requirement
from streamproc.cli.check_policy import arrivals, notes, policies
from streamproc.cli.check_routes import who_hears
from streamproc.config.config import Config
from streamproc.config.intake import Intake
from streamproc.config.model import DetectorSpec, ModelConfig
from streamproc.config.sink import SinkSection
from streamproc.config.webhook import Webhook
from streamproc.schemas.units import format_duration
from streamproc.terminal import printable

_MAKING: Final = ("partitions", "replication", "retention")


def summarise(config: Config) -> Iterator[str]:
    """Describe a config: the cluster, the topics, what is watched, and every other setting.

    Settings with their defaults are left out, and so are places of secrets.

    Parameters
    ----------
    config
        A valid config; no secret of it is looked up.

    Examples
    --------
    >>> next(summarise(Config()))
    'broker  kafka://localhost:9092 (PLAINTEXT), group streamproc'
    """
    yield f"broker  {config.broker} ({config.security.protocol}), group {config.group}"
    yield f"topics  {', '.join(config.topics.full_name(kind) for kind in config.kinds)}"
    yield from _sections(config)
    yield from policies(config)
    yield from map(_intake, config.intake)
    if (door := config.http_intake) is not None:
        yield f"events by HTTP on {door.host}:{door.port}"
    yield from map(_webhook, config.webhooks)
    yield from (_sink(sink, sink.kind) for sink in config.sinks)
    yield from (f"hears of {line}" for line in who_hears(config))
    for window in config.maintenance:
        times = f"{window.cron} ({window.zone}), for {format_duration(window.duration)}"
        yield f"maintenance {window.name}: silences {window.match} at {times}"
    for model in config.models:
        yield from _model(f"model {printable(model.id)}", model)
    if not any(model.id == "*" for model in config.models):
        other = "every other model" if config.models else "every model"
        yield from _model(other, ModelConfig.model_validate({"id": "*"}))


def _sections(config: Config) -> Iterator[str]:
    """Give the settings that differ from their defaults, a line for each section."""
    given = config.model_dump(mode="json", exclude_defaults=True)
    if given.get("strict"):
        yield "strict  an event with a field of another type is a dead letter"
    for name in ("policy", "limits", "labels", "snapshots"):
        if given.get(name):
            yield f"{name}  {_settings(given[name])}"
    if "zone" in given.get("topics", {}):
        yield f"topics  times without a zone are in {config.topics.zone}"
    if config.topics.begin == "latest":
        yield "topics  a new group begins with the events and labels that come from then on"
    made = {key: value for key, value in given.get("topics", {}).items() if key in _MAKING}
    if made:
        yield f"topics are created with {_settings(made)}"
    if config.http is None:
        yield "http  metrics and health are not served"
    else:
        token = ", with a token" if config.http.token_env or config.http.token_file else ""
        yield f"http  {config.http.host}:{config.http.port}{token}"
    yield f"control  {'off' if config.control is None else 'signed commands are obeyed'}"


def _intake(entry: Intake) -> str:
    source = entry.source
    names = ", ".join(source.topics) or f"topics like {source.pattern}"
    targets = ", ".join(sorted({rule.to for rule in entry.rules}))
    begin = ", from their end" if entry.begin == "latest" else ""
    read = "CloudEvents by HTTP" if source.http else f"{printable(names)}{begin}"
    return f"intake of {read} ({entry.preset or entry.format}) to {targets}"


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def _webhook(hook: Webhook) -> str:
    return f"webhook {hook.name} to {', '.join(map(printable, hook.allow))} ({_filter(hook)})"


def _sink(sink: SinkSection, kind: str) -> str:
    return f"sink {sink.name}, {kind} ({_filter(sink)})"


def _filter(sink: SinkSection) -> str:
    models = ", ".join(map(printable, sink.models))
    return f"models {models}; {sink.severity} or more urgent; {', '.join(sink.statuses)}"


def _model(title: str, model: ModelConfig) -> Iterator[str]:
    baseline = model.floor if isinstance(model.floor, str | None) else "a rule"
    known = {"task": model.task, "owner": model.owner, "severity": model.severity}
    numbers = ", ".join(model.numbers) or None
    known |= {"positive class": model.positive, "numbers sent as text": numbers}
    known |= {"runbook": model.runbook, "baseline": baseline}
    given = [f"{name} {printable(value)}" for name, value in known.items() if value is not None]
    yield f"{title} ({', '.join(given)})"
    if model.baseline is not None:
        columns = ", ".join(map(printable, sorted(model.baseline.columns)))
        yield f"  starts from {printable(str(model.reference))}: {columns}"
    if not model.watch:
        yield "  nothing is watched"
    for entry in model.watch:
        numbers = "; ".join(map(_detector, entry.readers(category=False)))
        texts = "; ".join(map(_detector, entry.readers(category=True)))
        detectors = f"{numbers}; texts: {texts}" if texts and entry.may_be_texts else numbers
        yield f"  {printable(entry.on)}: {detectors or 'not watched'}{notes(entry)}"
    yield from arrivals(model)
    for rule in model.rules:
        allowed = f"; at most {100 * rule.share:g}% may violate it" if rule.share else ""
        yield f"  rule {rule.name}: {printable(requirement(rule))}{allowed}"
    if model.segments is not None:
        tags = ", ".join(map(printable, model.segments.tags))
        yield f"  in segments by {tags}: the {model.segments.largest} largest values of each tag"
    if model.online is not None:
        set_here = model.online.model_dump(mode="json", exclude_defaults=True)
        steps = json.dumps(set_here.pop("model"))
        others = f"; {_settings(set_here)}" if set_here else ""
        yield f"  online model {printable(steps)}{others}"
        if not model.online.model.texts:
            yield "  text features are left out of the online model: no step of it reads text"


def _detector(spec: DetectorSpec) -> str:
    params = ", ".join(f"{name}={_value(value)}" for name, value in spec.params.items())
    return f"{spec.name}({params})"


def _value(value: Any) -> str:
    return printable(str(value))
