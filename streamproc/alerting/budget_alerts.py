"""The alert that a budget for false alarms cannot be met."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.alerting.origin import Origin, identity
from streamproc.alerting.system_alerts import system_alert
from streamproc.schemas.alerts import AlertEvent

BUDGET: Final = "budget"
"""Detector of these alerts."""


def budget_alert(
    share: float, expected: float, unknown: Sequence[str], origin: Origin, now: datetime
) -> AlertEvent:
    """Say, once for a partition, that its share of the budget is not met, or not known to be.

    Parameters
    ----------
    share
        False alarms a week that the partition may raise.
    expected
        Those that are expected with the thresholds that are in force.
    unknown
        Detectors that are not counted, as their run lengths are not known.
    origin
        The record after which that was found.
    now
        The wall clock.
    """
    place = f"partition {origin.partition} of topic {origin.topic!r}"
    parts: list[str] = []
    if expected > share:
        parts.append(
            f"{expected:.2g} a week are expected, though thresholds are where their calibration"
            " ends: raise `budget`, or watch fewer series"
        )
    if unknown:
        parts.append(
            f"{', '.join(unknown)} are not counted, as their run lengths are not known: watch"
            " with others, or with parameters that `arl` goes with"
        )
    alert_id = identity((BUDGET,), origin)
    message = (
        f"the budget for false alarms is not met on {place}, whose share is"
        f" {share:.2g} a week: {'; '.join(parts)}"
    )
    return system_alert(BUDGET, alert_id, message, origin, now, severity="warning")
