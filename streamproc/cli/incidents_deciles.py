"""Describe the values of a changed series before and after its change, from the events."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import Any, Final

from streamproc.cli.event_rows import REDACTED, EventRow, rows_around
from streamproc.cli.incidents_rows import change_of
from streamproc.config.config import Config
from streamproc.schemas.alerts import Summary
from streamproc.schemas.incidents import Member
from streamproc.terminal import count

EVENTS: Final = 1000
"""Events that are read on each side of the change."""
_LISTED: Final = 5
_SIDES: Final = ("before", "since")


async def deciles_of(config: Config, member: Member) -> dict[str, Any]:
    """Return the distribution of the first series of a member on both sides of its change.

    Returns
    -------
    dict
        ``series``, and for each side ``n`` values, ``missing`` ones, and ``deciles`` of numbers or
        ``shares`` of the most frequent of other values. With ``reason``: why there are none.

    Raises
    ------
    TopicError
        If the events have been deleted.
    """
    first = member.series[0]
    found: dict[str, Any] = {"series": first.series}
    if not first.series.startswith(("feature:", "quality:", "prediction")):
        return found | {"reason": "events do not have values of this series"}
    change = await change_of(config, member)
    rows = await rows_around(config, change.place, member.model_id, EVENTS, first.segment)
    sides = [[value_of(first.series, row) for row in side] for side in rows]
    if REDACTED in sides[0] + sides[1]:
        return found | {"reason": "`redact` in the config names it"}
    return found | {name: distribution(side) for name, side in zip(_SIDES, sides, strict=True)}


def value_of(series: str, row: EventRow) -> Any:
    """Return the value of a series in an event; None: it is missing."""
    kind, _, name = series.partition(":")
    if kind in {"feature", "quality"}:
        features = row.fields.get("features") or {}
        value = features.get(name)
        return value is None if kind == "quality" and value != REDACTED else value
    prediction = row.fields.get("prediction")
    if name:
        return prediction.get(name) if isinstance(prediction, Mapping) else None
    return prediction


def distribution(values: Sequence[Any]) -> dict[str, Any]:
    """Describe values: by nine deciles if all are numbers, else by the shares of the frequent ones.

    Examples
    --------
    >>> distribution([1, 2, 3, None])["deciles"]
    [1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8]
    >>> distribution(["a", "b", "a", "a"])["shares"]
    {'a': 0.75, 'b': 0.25}
    """
    present = [value for value in values if value is not None]
    found: dict[str, Any] = {"n": len(present), "missing": len(values) - len(present)}
    numbers = [float(value) for value in present if _is_number(value)]
    if numbers and len(numbers) == len(present):
        cuts = quantiles(numbers, n=10, method="inclusive") if len(numbers) > 1 else numbers * 9
        return found | {"deciles": [float(f"{cut:.6g}") for cut in cuts]}
    texts = Counter(_text(value) for value in present)
    return found | {
        "shares": {name: times / len(present) for name, times in texts.most_common(_LISTED)}
    }


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """Return a distribution on both sides of a change in two lines, or why there is none."""
    if "reason" in found:
        return [f"deciles   of {found['series']}: none, {found['reason']}"]
    return [
        f"{'deciles' if side == 'before' else '':10}{side:7}{_of_side(found[side])}"
        for side in _SIDES
    ]


def level_text(series: str, summary: Summary | None) -> str:
    """Return the level of a series as an alert has it."""
    if summary is None:
        return "unknown"
    if summary.mean is None:
        return count(summary.n, "value")
    if series.startswith(("rule:", "quality:")):
        return f"{100 * summary.mean:.3g} % of {summary.n}"
    return f"mean {summary.mean:.6g} ± {summary.std or 0:.3g} of {summary.n}"


def _of_side(side: Mapping[str, Any]) -> str:
    missing = f", {side['missing']} without" if side["missing"] else ""
    if "deciles" in side:
        values = " ".join(f"{each:.4g}" for each in side["deciles"])
    else:
        values = ", ".join(f"{name} {100 * share:.3g} %" for name, share in side["shares"].items())
    return f"{values or '-'} (of {count(side['n'], 'event')}{missing})"


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
