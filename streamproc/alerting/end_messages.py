"""The sentence of an alert about a series that fell quiet, and whether it is as before."""

from typing import Final

from streamproc.alerting.category_messages import frequent
from streamproc.alerting.level import Level
from streamproc.alerting.messages import SeriesLabel, number, only_spread, percent, subject
from streamproc.schemas.series import JOINT

OPEN: Final = "; it is open until the series is back, or the level is accepted"


def settled(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say where a series is that is quiet on another level than before."""
    return f"{subject(label)} has settled at {_at(label, before, level)}{OPEN}"


def other_hours(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say of a series whose level is that of before that its hours of the day are not."""
    return (
        f"{subject(label)} is quiet at {_at(label, before, level)}, but does not follow the hours"
        f" of the day as it did before{OPEN}"
    )


def recovered(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say that a change went away: the series is quiet on the level of before."""
    return f"{subject(label)} is back at {_at(label, before, level)}"


def back(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say that a change leads back to the level of before the incident."""
    spread = only_spread(before.summary, level.summary)
    was, now = (_level(label, each, spread=spread) for each in (before, level))
    return f"{subject(label)} is back at {now} (before the incident: {was})"


def accepted(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say that the level that a series settled at is what it is compared with from now on."""
    spread = only_spread(before.summary, level.summary)
    was, now = (_level(label, each, spread=spread) for each in (before, level))
    return (
        f"{subject(label)} is accepted at {now}, by policy.accept_after, as its level from now on"
        f" (before the incident: {was})"
    )


def superseded(label: SeriesLabel) -> str:
    """Say that another incident continues this one."""
    return f"{subject(label)} has changed again: another incident continues this one"


def _at(label: SeriesLabel, before: Level, level: Level) -> str:
    spread = only_spread(before.summary, level.summary)
    was = _level(label, before, spread=spread)
    now = _level(label, level, spread=spread)
    return f"{now}, for {label.counted(level.n)} (before the incident: {was})"


def _level(label: SeriesLabel, level: Level, *, spread: bool) -> str:
    if level.shares is not None:
        return frequent(level.shares) or "an unknown mix"
    if label.is_rate:
        return percent(level.mean)
    if label.series.startswith("quality:"):
        return f"missing in {percent(level.mean)} of events"
    if label.series == JOINT:
        return f"a distance of {number(level.mean)} from its reference"
    return number(level.mean) + (f" ± {number(level.std)}" if spread else "")
