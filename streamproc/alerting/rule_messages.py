"""Sentences about rules that events violate."""

import math
from collections.abc import Sequence
from typing import Final

from streamproc.config.rule import Rule
from streamproc.schemas.units import format_duration

_LISTED: Final = 5
_SHOWN: Final = 40

Example = tuple[int, str]
"""Offset of an event that violates a rule, and its value as a sentence shows it."""


def shown(value: object) -> str:
    """Format a value of an event.

    Examples
    --------
    >>> shown(1200.0), shown("DE"), shown(None)
    ('1200', "'DE'", 'nothing')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
    return f"{value:.12g}"


def requirement(rule: Rule) -> str:
    """Say what a rule asks for.

    Examples
    --------
    >>> requirement(Rule(name="a", on="feature:amount", range={"min": 0, "max": 10}))
    'feature:amount from 0 to 10'
    """
    if rule.freshness is not None:
        return f"events that arrive within {format_duration(rule.freshness)}"
    if rule.expression is not None:
        return rule.expression
    return f"{rule.on} {_of_values(rule)}"


def _of_values(rule: Rule) -> str:
    if rule.range is not None:
        low, high = rule.range.min, rule.range.max
        if low is None or high is None:
            return f"at most {shown(high)}" if low is None else f"at least {shown(low)}"
        return f"from {shown(low)} to {shown(high)}"
    if rule.set is not None:
        named = ", ".join(shown(value) for value in rule.set[:_LISTED])
        more = len(rule.set) - _LISTED
        return f"to be one of {named}" + (f" and {more} more" if more > 0 else "")
    if rule.regex is not None:
        return f"to match {rule.regex}"
    if rule.unique is not None:
        return f"to differ from the last {rule.unique.within}"
    return "not to be missing" if rule.monotone is None else f"to be {rule.monotone}"


def violated(
    rule: Rule, model: str, since: tuple[int, int], before: int, examples: Sequence[Example]
) -> str:
    """Say how often a rule is violated.

    Parameters
    ----------
    rule, model
        The rule, and the model's id.
    since
        Violations and judged events since the first violation.
    before
        Judged events before it.
    examples
        The first violations since the last alert.
    """
    violations, judged = since
    if judged == 1:
        count = f"an event violates it, the first of {before + 1} that were judged"
        if not before:
            count = "the first event that was judged violates it"
    else:
        count = f"{violations} of {judged} events violate it"
        if rule.share:
            count += f", {_percent(violations / judged)} where {_percent(rule.share)} may"
    found = ", ".join(
        f"{value} at offset {offset}" if value else f"offset {offset}" for offset, value in examples
    )
    return f"{_subject(rule, model)}: {count}; expected {requirement(rule)}, found {found}"


def recovered(rule: Rule, model: str, since: tuple[int, int], quiet: int) -> str:
    """Say that a rule is kept again: after how many violations, and for how many events."""
    violations, judged = since
    now = f"{quiet} events in a row have not violated it"
    if rule.share:
        now = f"no more than {_percent(rule.share)} violate it"
    return f"{_subject(rule, model)}: {now}, after {violations} of {judged} since it began"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _subject(rule: Rule, model: str) -> str:
    return f"rule {rule.name!r} of model {model!r}"
