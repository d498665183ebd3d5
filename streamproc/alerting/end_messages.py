"""The sentence of an alert about a series that fell quiet, and whether it is as before."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from streamproc.alerting.category_messages import frequent
from streamproc.alerting.level import Level
from streamproc.alerting.messages import (
    SeriesLabel,
    are_shares,
    number,
    numbers,
    only_spread,
    percent,
    subject,
)
from streamproc.schemas.series import JOINT

_Write = Callable[[float | None, float | None], tuple[str, str]]

OPEN: Final = "; it is open until the series is back, or the level is accepted"


Other = Literal["hours", "decimals"]
"""What may differ from before although the level does not."""
_OTHERS: Final[dict[Other, str]] = {
    "hours": "does not follow the hours of the day as it did before",
    "decimals": "has more decimals than before",
}


def settled(label: SeriesLabel, before: Level, level: Level, *, spread: bool = False) -> str:
    """Say where a series is that is quiet on another level than before."""
    return f"{subject(label)} has settled{_quiet(label, before, level, spread=spread)}{OPEN}"


def only_other(
    other: Other, label: SeriesLabel, before: Level, level: Level, *, spread: bool = False
) -> str:
    """Say of a series whose level is that of before that something else is not."""
    quiet = _quiet(label, before, level, same=True, spread=spread)
    return f"{subject(label)} is quiet{quiet}, but {_OTHERS[other]}{OPEN}"


def recovered(label: SeriesLabel, before: Level, level: Level, *, spread: bool = False) -> str:
    """Say that a change went away: the series is quiet on the level of before."""
    return f"{subject(label)} is back{_quiet(label, before, level, same=True, spread=spread)}"


def back(label: SeriesLabel, before: Level, level: Level) -> str:
    """Say that a change leads back to the level of before the incident."""
    was, now = _levels(label, before, level, same=True)
    return f"{subject(label)} is back{now.there} (before the incident: {was.name})"


def accepted(label: SeriesLabel, before: Level, level: Level, *, spread: bool = False) -> str:
    """Say that the level that a series settled at is what it is compared with from now on."""
    was, now = _levels(label, before, level, spread=spread)
    return (
        f"{subject(label)} is accepted{now.there}, by policy.accept_after, as its level from now on"
        f" (before the incident: {was.name})"
    )


def superseded(label: SeriesLabel) -> str:
    """Say that another incident continues this one."""
    return f"{subject(label)} has changed again: another incident continues this one"


class _Written(NamedTuple):
    """A level in words: by itself, and after what is there."""

    name: str
    there: str


def _quiet(
    label: SeriesLabel, before: Level, level: Level, *, same: bool = False, spread: bool = False
) -> str:
    was, now = _levels(label, before, level, same=same, spread=spread)
    return f"{now.there}, for {label.counted(level.n)} (before the incident: {was.name})"


def _levels(
    label: SeriesLabel, before: Level, level: Level, *, same: bool = False, spread: bool = False
) -> tuple[_Written, _Written]:
    """Write two levels; unless they are the `same` but for chance, so that they differ.

    `spread`: with the deviation, which is what changed.
    """
    if before.shares is not None or level.shares is not None:
        return _pair([frequent(each.shares or {}) or "an unknown mix" for each in (before, level)])
    shares = percent(before.mean), percent(level.mean)
    if label.is_rate:
        return _pair(shares)
    if label.series.startswith("quality:"):
        return _pair(shares, ": it is missing in {} of events")
    if label.series != JOINT and are_shares(before.summary, level.summary):
        return _pair(shares, ": it is 1 in {} of events")
    write = _alike if same else numbers
    means = write(before.mean, level.mean)
    if label.series == JOINT:
        return _pair([f"a distance of {mean} from its reference" for mean in means])
    return _pair(_of_numbers(before, level, means, write, spread=spread))


def _of_numbers(
    before: Level, level: Level, means: Sequence[str], write: _Write, *, spread: bool
) -> Sequence[str]:
    if spread or only_spread(before.summary, level.summary):
        stds = write(before.std, level.std)
        return [f"{mean} ± {std}" for mean, std in zip(means, stds, strict=True)]
    return means


def _alike(first: float | None, second: float | None) -> tuple[str, str]:
    return number(first), number(second)


def _pair(names: Sequence[str], there: str = " at {}") -> tuple[_Written, _Written]:
    was, now = (_Written(name, there.format(name)) for name in names)
    return was, now
