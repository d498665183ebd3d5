"""The sentence of an alert: what changed, by how much, since when."""

import math
from datetime import datetime

from streamproc.contract.alerts import Summary

# A spread that grew or shrank by this factor says more than means closer than a quarter of it.
SPREAD, CLOSE = 1.5, 0.25


def number(value: float | None) -> str:
    """Write a number with four digits, as people say it."""
    if value is None:
        return "an unknown level"
    return f"{value:.4g}"


def subject(series: str, model_id: str) -> str:
    """Name a series: which number, of which model."""
    kind, _, name = series.partition(":")
    if kind == "feature":
        return f"feature {name!r} of model {model_id!r}"
    if kind == "quality":
        return f"feature {name!r} of model {model_id!r}"
    if name:
        return f"prediction of class {name!r} by model {model_id!r}"
    return f"prediction of model {model_id!r}"


def change(series: str, model_id: str, before: Summary, after: Summary) -> str:
    """Say how a series differs from what it was."""
    who = subject(series, model_id)
    if series.startswith("quality:"):
        now, was = _percent(after.mean), _percent(before.mean)
        return f"{who} is missing in {now} of events (before: {was})"
    if before.mean is None or after.mean is None:
        return f"{who} changed"
    if _only_spread(before, after):
        return (
            f"{who} changed its spread from ±{number(before.std)} to ±{number(after.std)}"
            f" around {number(after.mean)}"
        )
    verb = "rose" if after.mean > before.mean else "fell"
    return f"{who} {verb} from {number(before.mean)} to {number(after.mean)}" + _size(
        before.mean, after.mean, before.std or 0.0
    )


def since(point: datetime | None, values: int) -> str:
    """Say when the change began."""
    count = f"{values} value{'s' if values != 1 else ''} ago"
    return f"; since {point:%Y-%m-%d %H:%M:%S} UTC, {count}" if point else f"; since {count}"


def settled(series: str, model_id: str, before: Summary, now: Summary) -> str:
    """Say where a series that fell quiet is now."""
    who = subject(series, model_id)
    if series.startswith("quality:"):
        return (
            f"{who} has settled at missing in {_percent(now.mean)} of events, for {now.n} values"
            f" (before the incident: {_percent(before.mean)})"
        )
    return (
        f"{who} has settled at {number(now.mean)}, for {now.n} values"
        f" (before the incident: {number(before.mean)})"
    )


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.3g} %"


def _only_spread(before: Summary, after: Summary) -> bool:
    """Whether the mean hardly moved while the spread did."""
    if not (before.std and after.std) or before.mean is None or after.mean is None:
        return False
    ratio = after.std / before.std
    moved = abs(after.mean - before.mean) > CLOSE * before.std
    return not moved and not 1 / SPREAD < ratio < SPREAD


def _size(was: float, now: float, std: float) -> str:
    """Give a difference as a factor, or in standard deviations."""
    ratio = now / was if was else math.inf
    # A factor means something only where the old level stood clear of zero.
    if abs(was) > std and (0 < ratio < 1 / 1.5 or 1.5 < ratio < math.inf):
        return f" (×{ratio:.3g})"
    sigmas = (now - was) / std if std else math.inf
    return f" ({sigmas:+.2g} standard deviations)" if math.isfinite(sigmas) else ""
