"""Count the incidents that people have called false alarms. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from streamproc.schemas.incidents import IncidentState

PERIOD: Final = timedelta(days=7)


class FalseAlarms(NamedTuple):
    """The realised false alarms of a deployment: `false` of the `opened` incidents of `PERIOD`."""

    false: int
    opened: int


def false_alarms(incidents: Iterable[IncidentState], now: datetime) -> FalseAlarms:
    """Count the incidents that were opened within `PERIOD` before `now`.

    Examples
    --------
    >>> false_alarms([], datetime(2026, 1, 5))
    FalseAlarms(false=0, opened=0)
    """
    found = [each for each in incidents if each.opened > now - PERIOD]
    return FalseAlarms(sum(each.false_alarm for each in found), len(found))
