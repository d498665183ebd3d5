"""The sentences of alerts about models that fall silent, or send more or fewer events."""

from datetime import UTC, datetime

_MINUTES = ((1440, "day"), (60, "hour"), (1, "minute"))


def silent(model: str, since: datetime, gap: float, longest: float, missed: float) -> str:
    """Say that a model sends nothing, since when, and what is usual.

    Parameters
    ----------
    model
        Id of the model.
    since
        Time of its last event, by the clock of its partition.
    gap, longest
        Minutes without an event, now and at most before, as far as other models went on.
    missed
        Minutes of these in which its rhythm has events at least.
    """
    rhythm = f"; at these hours it used to have some in {missed:.0f} minutes" if missed >= 1 else ""
    return (
        f"model {model!r} has sent no events since about {moment(since)}, while other models of its"
        f" partition went on for {duration(gap)} (at most {duration(longest)} before{rhythm})"
    )


def back(model: str, since: datetime, gap: float) -> str:
    """Say that a silent model sends events again."""
    return (
        f"model {model!r} sends events again; it was silent since {moment(since)}, for"
        f" {duration(gap)}"
    )


def ended(model: str, since: datetime) -> str:
    """Say that the silence of a model is accepted."""
    return (
        f"model {model!r} has sent no events since about {moment(since)}: its end is accepted, by"
        " policy.accept_after; should it come back, its rhythm is learned again"
    )


def volume(model: str, since: datetime, hours: float, count: float, usual: float) -> str:
    """Say that a model sends far more or fewer events than usual."""
    verb = "fell" if count < usual else "rose"
    return (
        f"number of events of model {model!r} {verb} to {_percent(count, usual)} of what is usual"
        f" at these hours: {count:.0f} in {_hours(hours)} since {moment(since)}, usually"
        f" {usual:.0f}"
    )


def usual_again(model: str, hours: float, count: float, usual: float) -> str:
    """Say that a model sends as many events as usual again."""
    return (
        f"number of events of model {model!r} is as usual again: {count:.0f} in {_hours(hours)},"
        f" usually {usual:.0f}"
    )


def volume_accepted(model: str, hours: float, count: float, usual: float) -> str:
    """Say that another number of events is accepted as the usual one."""
    return (
        f"number of events of model {model!r} is accepted, by policy.accept_after, at"
        f" {_percent(count, usual)} of what was usual: {count:.0f} in {_hours(hours)}"
    )


def duration(minutes: float) -> str:
    """Write a duration in two units at most.

    Examples
    --------
    >>> duration(25), duration(60), duration(3 * 1440 + 61)
    ('25 minutes', '1 hour', '3 days 1 hour')
    """
    left, found = round(minutes), []
    for size, unit in _MINUTES:
        count, left = divmod(left, size)
        if count:
            found.append(f"{count} {unit}{'s' if count != 1 else ''}")
    return " ".join(found[:2]) or "less than a minute"


def moment(time: datetime) -> str:
    """Write a time, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _percent(count: float, usual: float) -> str:
    return f"{100 * count / usual:.3g} %" if usual else "far more than 100 %"


def _hours(hours: float) -> str:
    return f"{hours:.0f} hour{'s' if hours != 1 else ''}"
