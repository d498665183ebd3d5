"""Alerts about rules that events violate."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from streamproc.alerting import rule_messages as messages
from streamproc.alerting.origin import Origin, from_epoch, identity, owner_fields
from streamproc.config.model import ModelConfig
from streamproc.config.rule import Rule
from streamproc.detect.rules.counts_kernel import (
    BEFORE_JUDGED,
    BEFORE_VIOLATIONS,
    FIRING,
    JUDGED,
    QUIET,
    RESOLVED,
    SINCE_OFFSET,
    UPDATED,
    VIOLATIONS,
)
from streamproc.detect.rules.table import Finding
from streamproc.schemas.alerts import AlertEvent, ChangePoint, Status, Summary
from streamproc.schemas.clip import clip_message
from streamproc.schemas.effect_size import MIN_SIZE, size_between

DETECTOR: Final = "rule"
"""Detector of these alerts."""
_STATUSES: Final[dict[int, Status]] = {
    FIRING: "firing",
    UPDATED: "updated",
    RESOLVED: "resolved",
}


def series_of(rule: Rule) -> str:
    """Return the name of the series of a rule: 1 where an event violates it, else 0.

    Examples
    --------
    >>> series_of(Rule(name="adult", expression="age >= 18"))
    'rule:adult'
    """
    return f"rule:{rule.name}"


def rule_alert(
    found: Finding,
    model: tuple[str, ModelConfig],
    examples: Sequence[messages.Example],
    incident_id: str | None,
    origin: Origin,
    now: datetime,
) -> AlertEvent:
    """Say that a rule is violated more often than it may be, still, or no more.

    Parameters
    ----------
    found
        What was found.
    model
        The model's id and configuration.
    examples
        The first violations since the last alert.
    incident_id
        The open incident; None opens one.
    origin
        The event at which it was found.
    now
        The wall clock.
    """
    name, _ = model
    rule, counts, status = found.rule, found.counts, _STATUSES[found.what]
    alert_id = identity((DETECTOR, status, name, rule.name, rule.digest), origin)
    judged = counts[JUDGED] - counts[BEFORE_JUDGED]
    since = counts[VIOLATIONS] - counts[BEFORE_VIOLATIONS], judged
    if status == "resolved":
        message = messages.recovered(rule, name, since, counts[QUIET])
        after = _summary(0, counts[QUIET])
    else:
        message = messages.violated(rule, name, since, counts[BEFORE_JUDGED], examples)
        after = _summary(*since)
    return AlertEvent(
        **_common(rule, model, alert_id, origin, now),
        incident_id=incident_id or alert_id,
        status=status,
        reason="recovered" if status == "resolved" else None,
        message=clip_message(message),
        change_point=ChangePoint(ts=from_epoch(found.since), offset=counts[SINCE_OFFSET]),
        statistic=since[0] / judged,
        threshold=rule.share,
        before=_summary(counts[BEFORE_VIOLATIONS], counts[BEFORE_JUDGED]),
        after=after,
    )


def ended(
    rule: Rule,
    model: tuple[str, ModelConfig],
    incident_id: str,
    origin: Origin,
    now: datetime,
) -> AlertEvent:
    """Resolve the incident of a model that is not watched any more."""
    name, _ = model
    alert_id = identity((DETECTOR, "forgotten", name, rule.name, rule.digest), origin)
    return AlertEvent(
        **_common(rule, model, alert_id, origin, now),
        incident_id=incident_id,
        status="resolved",
        reason="superseded",
        message=f"rule {rule.name!r} of model {name!r} is not judged any more: the model has been"
        " idle, and others need its capacity",
    )


def size_of(alert: AlertEvent) -> float:
    """Return the effect size of the share of violations, as of other series."""
    return size_between(alert.before, alert.after) or MIN_SIZE


def _summary(violations: int, judged: int) -> Summary:
    if not judged:
        return Summary(n=0)
    share = violations / judged
    return Summary(n=judged, mean=share, std=math.sqrt(share * (1 - share)))


def _common(
    rule: Rule,
    model: tuple[str, ModelConfig],
    alert_id: str,
    origin: Origin,
    now: datetime,
) -> dict[str, Any]:
    name, config = model
    return {
        "alert_id": alert_id,
        "model_id": name,
        "kind": "rule",
        "series": series_of(rule),
        "detector": DETECTOR,
        "severity": rule.severity or config.severity,
        **owner_fields(config),
        "model_version": origin.model_version,
        **origin.fields(now),
    }
