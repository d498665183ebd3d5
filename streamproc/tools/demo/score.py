"""Compare alerts with the scenario: detected, missed and false incidents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate, Step
from streamproc.schemas.series_status import SeriesStatus
from streamproc.tools.demo.events import ERROR, ExpectedStep, Incident, Scenario

# Steps that change who answers, or should not be: beside those of the lessons none is expected.
_DAILY: Final = ("daily", "weekly")
_GRAVE: Final[frozenset[Step]] = frozenset(
    ("promoted", "rolled_back", "reset", "replaced", "failed")
)


@dataclass(frozen=True)
class Finding:
    """An incident, and the first alert about it.

    Parameters
    ----------
    incident
        What happened.
    alert
        None if the incident was missed.
    events
        Events of the model from the first that differs to the one that gave the alert, both
        included; of an error, those that have a label; 0 without an alert.
    delay
        The same in event time; of an error until the label was known.
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
class ObservedStep:
    """A lesson, and the step in which the model has shown that it was learned.

    Parameters
    ----------
    lesson
        What it should do.
    update
        None: it did not.
    row
        Which event's label it was at.
    labels
        Labels from the first that gave reason to, to that one, both included.
    before
        The version that answered until then.
    """

    lesson: ExpectedStep
    update: ModelUpdate | None = None
    row: int = 0
    labels: int = 0
    before: int = 0


@dataclass(frozen=True)
class Verdict:
    """Result for each incident and label change, and the false alarms.

    Parameters
    ----------
    findings
        Of each incident.
    false
        Alerts of which nothing happened.
    learnt
        Of each step that the online model should take.
    strays
        Its steps that nothing gave reason to.
    over
        Alerts that call an incident over, though all of them last until the end.
    seasons
        Of each series that follows the hour of the day, by model and name, whether that is known.
    """

    findings: tuple[Finding, ...]
    false: tuple[AlertEvent, ...]
    learnt: tuple[ObservedStep, ...] = ()
    strays: tuple[ModelUpdate, ...] = ()
    over: tuple[AlertEvent, ...] = ()
    seasons: Mapping[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[Incident, ...]:
        """Missed incidents."""
        return tuple(found.incident for found in self.findings if found.alert is None)

    @property
    def unlearnt(self) -> tuple[ExpectedStep, ...]:
        """Steps that were not taken."""
        return tuple(each.lesson for each in self.learnt if each.update is None)

    @property
    def complete(self) -> bool:
        """Whether all that happened was found and not called over, and everything was learned."""
        return not (self.missed or self.unlearnt or self.over or self.unknown_seasons)

    @property
    def unknown_seasons(self) -> tuple[tuple[str, str], ...]:
        """Model and name of each series whose season is not known."""
        return tuple(series for series, known in self.seasons.items() if not known)


def score(
    story: Scenario,
    alerts: Iterable[AlertEvent],
    updates: Iterable[ModelUpdate] = (),
    statuses: Iterable[SeriesStatus] = (),
) -> Verdict:
    """Compare alerts, updates and what is known of the series with the scenario.

    Parameters
    ----------
    story
        What happened.
    alerts
        The alerts, in the order of each model's events. Only `firing` begins an incident; it
        is a false one where nothing happens to its series, or nothing yet.
    updates
        The steps of the model that learns, in their order. Each lesson counts from the alarm or
        the lesson before it on.
    statuses
        How each series is watched in the end. None: what is known of seasons is not compared.
    """
    ordered = sorted(alerts, key=lambda alert: alert.ts)
    findings = tuple(_finding(story, incident, ordered) for incident in story.incidents)
    false = tuple(
        alert for alert in ordered if alert.status == "firing" and not _true(story, alert)
    )
    steps = [each for each in updates if each.step in _GRAVE]
    learnt = tuple(_learnt(story, findings, steps))
    known = [each.update for each in learnt]
    strays = tuple(each for each in steps if each not in known)
    over = tuple(alert for alert in ordered if _is_over(story, alert))
    return Verdict(findings, false, learnt, strays, over, _seasons(story, statuses))


def _is_over(story: Scenario, alert: AlertEvent) -> bool:
    """Whether an alert says that what happened is no more; not if it was accepted, or goes on."""
    ended = alert.status == "resolved" and alert.reason == "recovered"
    return ended and any(_tells(story, incident, alert) for incident in story.incidents)


def _seasons(story: Scenario, statuses: Iterable[SeriesStatus]) -> dict[tuple[str, str], bool]:
    """Return of each seasonal series whether its character is; empty without any status."""
    found = {(each.model_id, each.series): each.character for each in statuses}
    seasonal = ((actor.id, series) for actor in story.models for series in actor.seasonal)
    return {series: found.get(series) in _DAILY for series in seasonal} if found else {}


def _tells(story: Scenario, incident: Incident, alert: AlertEvent) -> bool:
    """Whether an alert is about what an incident does to its series."""
    same = (alert.model_id, alert.series) == (incident.model_id, incident.series)
    return same and story.index(alert.model_id, alert.ts) >= incident.begins


def _true(story: Scenario, alert: AlertEvent) -> bool:
    """Whether there is reason for an alert; whatever is measured by errors has theirs."""
    measured = alert.series == ERROR or alert.series.startswith("metric:")
    as_error = alert.model_copy(update={"series": ERROR}) if measured else alert
    return any(_tells(story, incident, as_error) for incident in story.incidents)


def _finding(story: Scenario, incident: Incident, ordered: list[AlertEvent]) -> Finding:
    # The measures of a model's errors are one incident, which another of them may have begun.
    begun = {"firing", "updated"} if incident.series == ERROR else {"firing"}
    for alert in ordered:
        if alert.status in begun and _tells(story, incident, alert):
            rows = range(incident.begins, story.index(alert.model_id, alert.ts) + 1)
            delay = alert.ts - incident.began_at
            if incident.series == ERROR:
                return Finding(incident, alert, story.labels.between(rows), delay + story.late)
            return Finding(incident, alert, len(rows), delay)
    return Finding(incident)


def _learnt(
    story: Scenario, findings: Sequence[Finding], steps: list[ModelUpdate]
) -> Iterator[ObservedStep]:
    """Follow the lessons in their order; what comes before its reason counts for none."""
    alarm = next(found.alert for found in findings if found.incident.series == ERROR)
    since = None if alarm is None else story.index(alarm.model_id, alarm.ts)
    before, left = 1, iter(steps)  # versions are counted from 1
    for lesson in story.lessons:
        update = None if since is None else _step(story, lesson, since, left)
        if update is None or update.ts is None:
            since = None
            yield ObservedStep(lesson)
            continue
        since = story.index(story.learner, update.ts)
        labels = story.labels.between(range(lesson.during.start, since + 1))
        yield ObservedStep(lesson, update, since, labels, before)
        before = update.serving


def _step(
    story: Scenario, lesson: ExpectedStep, since: int, left: Iterator[ModelUpdate]
) -> ModelUpdate | None:
    """Return the step of a lesson, at the label of an event past its reason."""
    for update in left:
        if update.model_id == story.learner and update.ts is not None:
            row = story.index(story.learner, update.ts)
            if update.step == lesson.step and row in range(
                max(since, lesson.during.start), lesson.later.stop
            ):
                return update
    return None
