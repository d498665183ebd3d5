"""Raise the severity of incidents that grow, or that nobody acknowledges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.config.escalate import EscalationRule
from streamproc.incidents.incident import edit, log_step
from streamproc.incidents.members import labels_of
from streamproc.schemas.alerts import MORE_SEVERE
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
        rule, models = self._rule_of(incident)
        if rule is None:
            return incident
        due = _due(incident, rule)
        if rule.models is not None and models >= rule.models:
            reason = f"{models} models"
        elif rule.after is not None and due is not None and due <= at:
            reason = f"not acknowledged for {format_duration(rule.after)}"
        else:
            return incident
        severity = MORE_SEVERE[incident.severity]
        text = f"{incident.severity} to {severity}, {reason}"
        incident = edit(incident, severity=severity, escalated=at, page_at=at)
        return log_step(incident, at, "escalated", text=text)

    def due(self, incident: IncidentState) -> datetime | None:
        """Return when an incident rises unless somebody acknowledges it; None: it does not."""
        rule, _ = self._rule_of(incident)
        return None if rule is None else _due(incident, rule)

    def _rule_of(self, incident: IncidentState) -> tuple[EscalationRule | None, int]:
        """Return the rule that counts, and the number of models that match it."""
        if not incident.open or incident.escalated or incident.severity == "critical":
            return None, 0
        for rule, matchers in self._rules:
            models = sum(
                any(
                    series.open
                    and not series.covered
                    and all(each.matches(labels_of(member, series)) for each in matchers)
                    for series in member.series
                )
                for member in incident.members
            )
            if models:
                return rule, models
        return None, 0


def _due(incident: IncidentState, rule: EscalationRule) -> datetime | None:
    if rule.after is None or incident.status != "firing" or not incident.paged:
        return None
    return incident.paged[-1] + rule.after
