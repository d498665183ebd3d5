"""Name the settings of a configuration that concern incidents as a whole."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from streamproc.config.config import Config
from streamproc.config.model import ModelConfig
from streamproc.config.watch import Watch
from streamproc.schemas.units import format_duration
from streamproc.terminal import printable

_RULES: Final = ("inhibit", "escalate")
# Their limits are fixed: docs/false-alarms.md, "What it does not count".
_NOT_COUNTED: Final = (
    "findings over the life of a series, silent models and volumes, rules, tests of online models"
)


def policies(config: Config) -> Iterator[str]:
    """Give the budget, rules and redacted names that differ from their defaults.

    Examples
    --------
    >>> list(policies(Config.model_validate({"inhibit": []})))
    ['inhibit  no rule']
    """
    if config.budget is not None:
        alarms, period = config.budget
        yield f"budget  {alarms:g} false alarm{'' if alarms == 1 else 's'} a {period}"
        yield f"budget does not count  {_NOT_COUNTED}"
    given = config.model_dump(mode="json", exclude_defaults=True)
    for name in _RULES:
        if name in given:
            yield from _rules(name, given[name])
    if config.redact:
        yield f"redact  {', '.join(map(printable, config.redact))}"
    if config.registry is not None:
        yield f"registry  {printable(config.registry.url)}"


def arrivals(model: ModelConfig) -> Iterator[str]:
    """Give what is not the default of how the events of a model are watched."""
    if not model.silence.watch:
        yield "  silence is not watched"
    elif model.silence.after is not None:
        yield f"  silent after {format_duration(model.silence.after)} without an event"
    if not model.volume:
        yield "  the number of events is not watched"


def notes(entry: Watch) -> str:
    """Return what else is set of how series are watched, each in brackets."""
    found = ["whitened"] if entry.whiten else []
    found += [f"season {entry.season}"] if entry.season else []
    found += [] if entry.follow else ["not followed"]
    found += [] if entry.warmup is None else [f"warm-up {entry.warmup} values"]
    return "".join(f" ({note})" for note in found)


def _rules(name: str, rules: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not rules:
        yield f"{name}  no rule"
    for rule in rules:
        yield f"{name}  " + ", ".join(f"{key}={_text(value)}" for key, value in rule.items())


def _text(value: Any) -> str:
    return printable("; ".join(map(str, value)) if isinstance(value, list) else str(value))
