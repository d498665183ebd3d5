"""A config in words."""

from collections.abc import Iterator
from typing import Any

from streamproc.cli.output import printable
from streamproc.contract.config import Config
from streamproc.contract.watch import DetectorSpec, ModelConfig
from streamproc.contract.webhook import Webhook


def summarise(config: Config) -> Iterator[str]:
    """Give the lines that say where a config connects to and what it watches.

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
    yield from map(_webhook, config.webhooks)
    for model in config.models:
        yield from _model(f"model {printable(model.id)}", model)
    if not any(model.id == "*" for model in config.models):
        other = "every other model" if config.models else "every model"
        yield from _model(other, ModelConfig.model_validate({"id": "*"}))


def _webhook(hook: Webhook) -> str:
    hosts, models = (", ".join(map(printable, some)) for some in (hook.allow, hook.models))
    what = f"models {models}; {hook.severity} or more urgent; {', '.join(hook.statuses)}"
    return f"webhook {hook.name} to {hosts} ({what})"


def _model(title: str, model: ModelConfig) -> Iterator[str]:
    known = {"task": model.task, "owner": model.owner, "severity": model.severity}
    notes = [f"{name} {printable(value)}" for name, value in known.items() if value is not None]
    yield f"{title} ({', '.join(notes)})"
    if model.baseline is not None:
        columns = ", ".join(map(printable, sorted(model.baseline.columns)))
        yield f"  starts from {printable(str(model.reference))}: {columns}"
    if not model.watch:
        yield "  nothing is watched"
    for entry in model.watch:
        numbers = "; ".join(map(_detector, entry.readers(category=False)))
        texts = "; ".join(map(_detector, entry.readers(category=True)))
        detectors = f"{numbers}; texts: {texts}" if texts and entry.may_be_texts else numbers
        yield f"  {printable(entry.on)}: {detectors or 'not watched'}"


def _detector(spec: DetectorSpec) -> str:
    params = ", ".join(f"{name}={_value(value)}" for name, value in spec.params.items())
    return f"{spec.name}({params})"


def _value(value: Any) -> str:
    return printable(str(value))
