"""The sentence of an alert: what changed, by how much, since when."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from streamproc.schemas.alerts import Contributor, Summary
from streamproc.schemas.series import ERROR, ESTIMATED, JOINT, PER_ESTIMATE

# A spread that grew or shrank by this factor says more than means closer than a quarter of it.
SPREAD, CLOSE = 1.5, 0.25
FROM_THE_START = "; unlike its reference since its first value"
DEPENDENT = (
    "; its values follow from those before: it is watched against these, and against its hour of"
    " the day and week, from here on, and alarms of its detectors are pending"
)
SMALL = "; less than policy.least_size, so it is for information"
_LOSSES = {"log_loss": "log loss", "brier": "Brier score", "squared_error": "squared error"}


# Up to here numbers are written without an exponent.
LONG = 1e9


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with four digits, as people say it.

    Examples
    --------
    >>> number(47016.3), number(0.0123456), number(4.7e12)
    ('47020', '0.01235', '4.7e+12')
    """
    if value is None:
        return "an unknown level"
    found = f"{value:.{digits}g}"
    return f"{float(found):.0f}" if "e+" in found and abs(value) < LONG else found


def numbers(first: float | None, second: float | None) -> tuple[str, str]:
    """Write two numbers with as many digits as their difference needs: 10,000 and 10,003."""
    digits = 4
    if first is not None and second is not None:
        apart, size = abs(first - second), max(abs(first), abs(second))
        if 0.0 < apart < 0.1 * size:
            digits = min(4 + math.ceil(math.log10(0.1 * size / apart)), 17)
    return number(first, digits), number(second, digits)


class SeriesLabel(NamedTuple):
    """A series as people speak of it.

    Attributes
    ----------
    series, model, version
        Its name, its model, and which version if it is of one.
    numbers
        Whether errors are differences of numbers, and not right or wrong.
    part
        Which part of the events is meant, such as " in region=eu"; empty: all.
    """

    series: str
    model: str
    version: str | None = None
    numbers: bool = False
    part: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether its mean is a share of events."""
        return self.series in {ERROR, ESTIMATED} and not self.numbers

    def counted(self, values: int) -> str:
        """Say what a number of its values are: labels, predictions or values.

        Examples
        --------
        >>> SeriesLabel("error", "m").counted(1), SeriesLabel("metric:estimated", "m").counted(2)
        ('1 label', '20 predictions')
        """
        unit = "label" if self.series.startswith((ERROR, "metric:")) else "value"
        if self.series == ESTIMATED:
            unit, values = "prediction", values * PER_ESTIMATE
        return f"{values} {unit}{'s' if values != 1 else ''}"


def model_label(model: str, version: str | None) -> str:
    """Name a version of a model."""
    return f"model {model!r}" + (f" (version {version})" if version is not None else "")


def subject(label: SeriesLabel) -> str:
    """Name a series: which number, of which model, in which segment."""
    return _subject(label) + label.part


def _subject(label: SeriesLabel) -> str:
    kind, _, name = label.series.partition(":")
    model_id = label.model
    if kind in {"error", "metric"}:
        error = "absolute error" if label.numbers else "error rate"
        if label.series == ESTIMATED:
            error = f"estimated {error}"
        return f"{_LOSSES.get(name, error)} of {model_label(model_id, label.version)}"
    if kind == JOINT:
        return f"the joint distribution of the numeric features of model {model_id!r}"
    if kind == "feature":
        return f"feature {name!r} of model {model_id!r}"
    if kind == "quality":
        return f"feature {name!r} of model {model_id!r}"
    if name:
        return f"prediction of class {name!r} by model {model_id!r}"
    return f"prediction of model {model_id!r}"


def change(label: SeriesLabel, before: Summary, after: Summary, *, spread: bool = False) -> str:
    """Say how a series differs from what it was; `spread`: its mean is what it was."""
    who = subject(label)
    if label.series.startswith("quality:"):
        now, was = percent(after.mean), percent(before.mean)
        return f"{who} is missing in {now} of events (before: {was})"
    if before.mean is None or after.mean is None or label.series == JOINT:
        nearer = label.series == JOINT and (after.mean or 0.0) < (before.mean or 0.0)
        return f"{who} is nearer to its reference" if nearer else f"{who} changed"
    if not label.is_rate and (spread or only_spread(before, after)):
        was, now = numbers(before.std, after.std)
        return f"{who} changed its spread from ±{was} to ±{now} around {number(after.mean)}"
    verb = "rose" if after.mean > before.mean else "fell"
    if label.is_rate:
        return f"{who} {verb} from {percent(before.mean)} to {percent(after.mean)}"
    if are_shares(before, after):
        was, now = percent(before.mean), percent(after.mean)
        return f"{who} {verb}: it is 1 in {now} of events (before: {was})"
    was, now = numbers(before.mean, after.mean)
    return f"{who} {verb} from {was} to {now}" + _size(before.mean, after.mean, before.std or 0.0)


def finding(label: SeriesLabel, reason: str, before: Summary, after: Summary) -> str:
    """Say what is wrong with a series that was followed over its whole life."""
    who, (was, now) = subject(label), numbers(before.mean, after.mean)
    if label.series.startswith("quality:"):
        usual = percent(before.mean)
        return f"{who} is missing in {percent(after.mean)} of events (usual: {usual})"
    where = f"{now} from its reference" if label.series == JOINT else f"at {now}"
    sentences = {
        "frozen": f"has been {now} in {after.n} values in a row, longer than ever before",
        "range": f"is far outside of its range in {after.n} values: {now} on average"
        f" (usual level: {was})",
        "decimals": f"has more decimals than ever before in {after.n} values, such as"
        f" {number(after.mean, 10)} (usual level: {was})",
        "profile": f"does not follow its daily profile: {now} where {was} is usual",
        "spread": "is farther than ever from what its hour and its last values let expect: at"
        f" {now} where {was} is usual",
    }
    usual = f"is {where} where {was} is usual at this time"
    return f"{who} {sentences.get(reason, usual)}"


def shifted(label: SeriesLabel, hours: int) -> str:
    """Say by how many hours a series is late, or early, against its daily profile."""
    late = "late" if hours > 0 else "early"
    return (
        f"{subject(label)} follows its daily profile about {abs(hours)} hours {late}: is a clock,"
        " or a time zone, wrong?"
    )


def since(label: SeriesLabel, point: datetime | None, values: int) -> str:
    """Say when the change began."""
    count = f"{label.counted(values)} ago"
    return f"; since {point:%Y-%m-%d %H:%M:%S} UTC, {count}" if point else f"; since {count}"


def percent(share: float | None) -> str:
    """Write a share of events."""
    return "an unknown share" if share is None else f"{100 * share:.3g} %"


def are_shares(one: Summary, other: Summary) -> bool:
    """Whether values are zeros and ones, and both of them occur: their spread says so."""
    both = _is_share(one) and _is_share(other)
    return both and not (one.mean in {0.0, 1.0} and other.mean in {0.0, 1.0})


def _is_share(summary: Summary) -> bool:
    """Whether the values of one stretch can be zeros and ones."""
    mean, n = summary.mean, summary.n
    if mean is None or summary.std is None or not 0.0 <= mean <= 1.0 or n < 2:
        return False
    variance = mean * (1.0 - mean) * n / (n - 1.0)
    return math.isclose(summary.std * summary.std, variance, rel_tol=1e-9)


def only_spread(before: Summary, after: Summary) -> bool:
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
        return f" (×{number(ratio, 3)})"
    sigmas = (now - was) / std if std else math.inf
    if not math.isfinite(sigmas):
        return ""
    return f" ({'+' if sigmas > 0 else ''}{number(sigmas, 2)} standard deviations)"


def performance_note(figures: Mapping[str, float]) -> str:
    """Say how good a model was, in the figures that people ask for, and what it promised."""
    if "mae" in figures:
        found = f"; mean absolute error {number(figures['mae'])}"
        found += f" (expected {number(figures['expected_mae'])})"
        return found + (f", R² {figures['r2']:.2f}" if "r2" in figures else "")
    if "accuracy" not in figures:
        return ""
    found = f"; accuracy {percent(figures['accuracy'])}"
    found += f" (expected {percent(figures['expected_accuracy'])}), F1 {figures['f1']:.2f}"
    return found + (f", ROC AUC {figures['roc_auc']:.2f}" if "roc_auc" in figures else "")


def estimate_note(
    measured: float | None,
    labels: int,
    deviations: Sequence[float],
    *,
    numbers: bool,
    part: bool = False,
) -> str:
    """Say that an error is an estimate, what labels show, and how far estimates were off.

    Parameters
    ----------
    measured
        Error of the last labels; None without any.
    labels
        Labels over which earlier estimates were compared with the measured error, each.
    deviations
        By how much they differed.
    numbers
        Whether errors are differences of numbers, and not shares of wrong classes.
    part
        Whether the estimate is of a segment, while labels are those of all events.

    Examples
    --------
    >>> estimate_note(0.141, 100, [0.02, 0.03], numbers=False)
    '; an estimate before labels: the last ones show 14.1 %, the last 2 estimates were off by 2.5 \
percentage points on average (100 labels each)'
    """
    found = "; an estimate before labels"
    if measured is not None:
        last = "the last ones of all events show" if part else "the last ones show"
        found += f": {last} {number(measured) if numbers else percent(measured)}"
    if not deviations:
        return f"{found}, no estimate was compared with labels yet"
    off = sum(deviations) / len(deviations)
    how = number(off) if numbers else f"{100 * off:.2g} percentage points"
    many = f"the last {len(deviations)} estimates were" if len(deviations) > 1 else "the last was"
    return f"{found}, {many} off by {how} on average ({labels} labels each)"


def explanation_note(parts: Sequence[Contributor]) -> str:
    """Name the feature that explains most of an increase; empty if there is none.

    Examples
    --------
    >>> explanation_note([Contributor(series="feature:amount", share=0.62)])
    "; explained mostly by feature 'amount' (62 %)"
    """
    if not parts:
        return ""
    first = parts[0]
    how = "mostly" if first.share >= 0.5 else "in part"
    name = first.series.removeprefix("feature:")
    return f"; explained {how} by feature {name!r} ({100 * first.share:.0f} %)"
