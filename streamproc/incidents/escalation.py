"""Raise the severity of incidents that grow, are large, last, or that nobody acknowledges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.config.escalate import EscalationRule
from streamproc.incidents.incident import edit, log_step
from streamproc.incidents.members import labels_of
from streamproc.incidents.parts import Part, open_parts
from streamproc.schemas.alerts import MORE_SEVERE
from streamproc.schemas.effect_size import size_between
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.units import format_duration


class Escalation:
    """Apply the rules of the configuration; each incident rises once.

    Parameters
    ----------
    rules
        The rules, of which the first one that matches an incident counts.
    """

    def __init__(self, rules: Sequence[EscalationRule]) -> None:
        self._rules: Final = [(rule, rule.matchers) for rule in rules]

    def apply(self, incident: IncidentState, at: datetime) -> IncidentState:
        """Return an incident with a higher severity and a page that is due; the same if neither."""
        rule, parts = self._rule_of(incident)
        reason = None if rule is None else _reason(incident, rule, parts, at)
        if reason is None:
            return incident
        severity = MORE_SEVERE[incident.severity]
        text = f"{incident.severity} to {severity}, {reason}"
        incident = edit(incident, severity=severity, escalated=at, page_at=at)
        return log_step(incident, at, "escalated", text=text)

    def due(self, incident: IncidentState) -> datetime | None:
        """Return when an incident rises unless somebody acts; None: it does not."""
        rule, _ = self._rule_of(incident)
        if rule is None:
            return None
        times = (_unacknowledged_until(incident, rule), _open_until(incident, rule))
        return min((time for time in times if time is not None), default=None)

    def _rule_of(self, incident: IncidentState) -> tuple[EscalationRule | None, list[Part]]:
        """Return the rule that counts, and the series that match it."""
        if not incident.open or incident.escalated or incident.severity == "critical":
            return None, []
        parts = open_parts(incident)
        for rule, matchers in self._rules:
            found = [
                part for part in parts if all(each.matches(labels_of(*part)) for each in matchers)
            ]
            if found:
                return rule, found
        return None, []


def _reason(
    incident: IncidentState, rule: EscalationRule, parts: Sequence[Part], at: datetime
) -> str | None:
    """Return why an incident rises; None: it does not."""
    # Models that were released together are expected to change together.
    alone = [part.member for part in parts if part.member.release is None]
    models = len({member.incident_id for member in alone})
    if rule.models is not None and models >= rule.models:
        return f"{models} models"
    if rule.size is not None:
        sizes = [(size_between(part.series.before, part.series.after), part) for part in parts]
        for size, part in sizes:
            if size is not None and size >= rule.size:
                return f"{part.series.series} moved by {size:.3g} standard deviations"
    time = _open_until(incident, rule)
    if rule.open_for is not None and time is not None and time <= at:
        return f"open for {format_duration(rule.open_for)}"
    time = _unacknowledged_until(incident, rule)
    if rule.after is not None and time is not None and time <= at:
        return f"not acknowledged for {format_duration(rule.after)}"
    return None


def _unacknowledged_until(incident: IncidentState, rule: EscalationRule) -> datetime | None:
    if rule.after is None or incident.status != "firing" or not incident.paged:
        return None
    return incident.paged[-1] + rule.after


def _open_until(incident: IncidentState, rule: EscalationRule) -> datetime | None:
    if rule.open_for is None or incident.status not in {"firing", "acknowledged"}:
        return None
    return incident.opened + rule.open_for
