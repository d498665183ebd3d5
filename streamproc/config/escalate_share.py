"""Turn the share of models by which an incident becomes more severe into their number."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from streamproc.config.escalate import DEFAULT_RULES, MAX_MODELS, EscalationRule
from streamproc.config.model import ModelConfig
from streamproc.schemas.section import Path

MIN_MODELS: Final = 3
"""One of two models is half of them, and no sign of a fault upstream."""
_GLOB: Final = frozenset("*?[")


def with_numbers(
    rules: Sequence[EscalationRule], models: Sequence[ModelConfig]
) -> tuple[EscalationRule, ...]:
    """Return the rules with a number of models in place of each share.

    Without models that are named by their ids a share is never reached.

    Examples
    --------
    >>> named = [ModelConfig(id=f"m{number}") for number in range(8)]
    >>> [rule] = with_numbers([EscalationRule(share=0.5)], named)
    >>> rule.models
    4
    """
    return tuple(_with_number(rule, models) for rule in rules)


def share_problems(
    rules: Sequence[EscalationRule], models: Sequence[ModelConfig]
) -> Iterator[tuple[Path, str]]:
    """Yield the shares that no incident can reach."""
    for place, rule in enumerate(rules):
        found = _named(rule, models)
        if rule.share is not None and found < MIN_MODELS and rule not in DEFAULT_RULES:
            wanted = f"{MIN_MODELS} or more models of `models` by their ids, and matching"
            yield ("escalate", place, "share"), f"needs {wanted}: there are {found}"


def _with_number(rule: EscalationRule, models: Sequence[ModelConfig]) -> EscalationRule:
    named = _named(rule, models)
    if rule.share is None or named < MIN_MODELS:
        return rule
    number = min(max(MIN_MODELS, ceil(rule.share * named)), MAX_MODELS)
    return rule.model_copy(update={"models": min(rule.models or number, number)})


def _named(rule: EscalationRule, models: Sequence[ModelConfig]) -> int:
    """Return how many models are named by their ids and match what a rule asks of a model."""
    conditions = [each for each in rule.matchers if each.label in {"model", "owner"}]
    labels = [
        {"model": model.id, "owner": model.owner or ""}
        for model in models
        if not _GLOB & set(model.id)
    ]
    return sum(all(each.matches(label) for each in conditions) for label in labels)
