"""The sentence of an alert: what changed, by how much, since when."""

import math
from datetime import datetime

from streamproc.contract.alerts import Summary

# Below this many standard deviations a difference of means is not what caught the eye.
VISIBLE = 0.25


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
        return f"missing values of feature {name!r} of model {model_id!r}"
    if name:
        return f"prediction of class {name!r} by model {model_id!r}"
    return f"prediction of model {model_id!r}"


def change(series: str, model_id: str, before: Summary, after: Summary) -> str:
    """Say how a series differs from what it was."""
    who = subject(series, model_id)
    if series.startswith("quality:"):
        return f"{who}: {_percent(before.mean)} of events before, {_percent(after.mean)} now"
    if before.mean is None or after.mean is None:
        return f"{who} changed"
    size = _size(before, after)
    if size is None:
        return (
            f"{who} changed its spread from ±{number(before.std)} to ±{number(after.std)}"
            f" around {number(after.mean)}"
        )
    verb = "rose" if after.mean > before.mean else "fell"
    return f"{who} {verb} from {number(before.mean)} to {number(after.mean)}{size}"


def since(point: datetime | None, values: int) -> str:
    """Say when the change began."""
    count = f"{values} value{'s' if values != 1 else ''} ago"
    return f"; since {point:%Y-%m-%d %H:%M:%S} UTC, {count}" if point else f"; since {count}"


def settled(series: str, model_id: str, before: Summary, now: Summary) -> str:
    """Say where a series that fell quiet is now."""
    form = _percent if series.startswith("quality:") else number
    return (
        f"{subject(series, model_id)} is steady at {form(now.mean)} for {now.n} values"
        f" (before the incident: {form(before.mean)})"
    )


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.3g} %"


def _size(before: Summary, after: Summary) -> str | None:
    """Give a difference as a factor or in standard deviations; None when means hardly differ."""
    was, now = before.mean, after.mean
    if was is None or now is None or was == now:
        return None
    std = before.std or 0.0
    sigmas = (now - was) / std if std else math.inf
    if abs(sigmas) < VISIBLE:
        return None
    ratio = now / was if was else math.inf
    # A factor means something only where the old level stood clear of zero.
    if abs(was) > std and (0 < ratio < 1 / 1.5 or 1.5 < ratio < math.inf):
        return f" (×{ratio:.3g})"
    return f" ({sigmas:+.2g} standard deviations)" if math.isfinite(sigmas) else ""
