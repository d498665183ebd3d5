"""The silences of maintenance windows."""

from datetime import datetime, timedelta
from typing import Final

from croniter import croniter

from streamproc.config.maintenance import MaintenanceWindow
from streamproc.schemas.silences import Matchers, Silence

MAINTENANCE: Final = "maintenance:"
"""Ids of these silences: this and the name of their window."""
AUTHOR: Final = "config"
_SECOND: Final = timedelta(seconds=1)


def occurrence(window: MaintenanceWindow, now: datetime) -> Silence:
    """Return the silence of a window that is open at a time, or else that of its next opening.

    Parameters
    ----------
    window
        The window.
    now
        The time, with a time zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> window = MaintenanceWindow(name="reload", cron="0 2 * * *", duration=timedelta(hours=2))
    >>> open_now = occurrence(window, datetime(2026, 1, 5, 3, 30, tzinfo=UTC))
    >>> f"{open_now.start:%d %H:%M} to {open_now.end:%H:%M}"
    '05 02:00 to 04:00'
    >>> f"{occurrence(window, open_now.end).start:%d %H:%M}"
    '06 02:00'
    """
    local = now.astimezone(window.tzinfo)
    # The expression's times are whole minutes; a window that begins now has begun.
    start: datetime = croniter(window.cron, local + _SECOND).get_prev(datetime)
    if start + window.duration <= now:
        start = croniter(window.cron, local).get_next(datetime)
    return Silence(
        silence_id=MAINTENANCE + window.name,
        status="pending",
        matchers=Matchers.model_validate(window.match.model_dump()),
        start=start,
        end=start + window.duration,
        comment=window.comment,
        author=AUTHOR,
        updated=now,
    )


def is_outdated(silence: Silence, window: MaintenanceWindow | None) -> bool:
    """Whether the silence of a window is of another configuration of it.

    What a person has changed stays as it is until its end.
    """
    if window is None or silence.author != AUTHOR:
        return window is None
    fresh = occurrence(window, silence.updated)
    same = {"matchers", "start", "end", "comment"}
    return silence.model_dump(include=same) != fresh.model_dump(include=same)
