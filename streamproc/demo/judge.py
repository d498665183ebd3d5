"""What of a story was found, after how long, and what was told that did not happen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from streamproc.contract.alerts import AlertEvent
from streamproc.demo.story import Incident, Story


@dataclass(frozen=True)
class Finding:
    """An incident, and the alert that told of it first.

    Parameters
    ----------
    incident
        What happened.
    alert
        None: nothing told of it.
    events
        Events of the model from the first that differs to the one that gave the alert, both
        included; 0 without an alert.
    delay
        The same in event time.
    """

    incident: Incident
    alert: AlertEvent | None = None
    events: int = 0
    delay: timedelta = timedelta()

    @property
    def in_time(self) -> bool:
        """Whether it was found within its bound."""
        return self.alert is not None and self.events <= self.incident.within


@dataclass(frozen=True)
class Verdict:
    """A finding for each incident, and the incidents that were told but did not happen."""

    findings: tuple[Finding, ...]
    false: tuple[AlertEvent, ...]

    @property
    def missed(self) -> tuple[Incident, ...]:
        """Incidents that nothing told of."""
        return tuple(found.incident for found in self.findings if found.alert is None)


def judge(story: Story, alerts: Iterable[AlertEvent]) -> Verdict:
    """Compare what was told with what happened.

    Parameters
    ----------
    story
        What happened.
    alerts
        What was told, in the order of each model's events. Only `firing` begins an incident; it
        is a false one where nothing happens to its series, or nothing yet.
    """
    firing = [alert for alert in alerts if alert.status == "firing"]
    findings = tuple(_finding(story, incident, firing) for incident in story.incidents)
    false = tuple(alert for alert in firing if not _true(story, alert))
    return Verdict(findings, false)


def _tells(story: Story, incident: Incident, alert: AlertEvent) -> bool:
    same = (alert.model_id, alert.series) == (incident.model_id, incident.series)
    return same and story.index(alert.model_id, alert.ts) >= incident.begins


def _true(story: Story, alert: AlertEvent) -> bool:
    return any(_tells(story, incident, alert) for incident in story.incidents)


def _finding(story: Story, incident: Incident, firing: list[AlertEvent]) -> Finding:
    for alert in firing:
        if _tells(story, incident, alert):
            events = story.index(alert.model_id, alert.ts) - incident.begins + 1
            return Finding(incident, alert, events, alert.ts - incident.began_at)
    return Finding(incident)
