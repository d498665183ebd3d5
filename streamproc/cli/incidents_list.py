"""Print incidents and silences as tables or as JSON."""

import sys
from collections import Counter
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from rich.text import Text

from streamproc.cli.tables import new_table, print_table
from streamproc.client.incidents import open_incidents
from streamproc.config.budget import format_budget
from streamproc.config.config import Config
from streamproc.incidents.deployments import is_deployment
from streamproc.incidents.false_alarms import PERIOD, false_alarms
from streamproc.incidents.members import rank
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.alerts import Severity
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.segment_series import in_segment
from streamproc.schemas.silences import Silence
from streamproc.schemas.units import format_duration
from streamproc.terminal import count, printable

STATUS_STYLE = {
    "firing": "bold red",
    "settled": "yellow",
    "acknowledged": "cyan",
    "silenced": "dim",
    "inhibited": "dim",
    "resolved": "green",
}
SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
SHORT_ID = 12


class Filter(NamedTuple):
    """Which incidents to list."""

    only_open: bool
    owner: str | None
    severity: Severity | None
    kind: str | None
    since: datetime | None

    def wants(self, incident: IncidentState) -> bool:
        """Whether an incident is to be listed."""
        return (
            (incident.open or not self.only_open)
            and (self.owner is None or fnmatchcase(incident.owner or "", self.owner))
            and (self.severity is None or rank(incident.severity) >= rank(self.severity))
            and (
                self.kind is None
                or any(fnmatchcase(each.kind, self.kind) for each in incident.members)
            )
            and (self.since is None or incident.updated >= self.since)
        )


async def print_incidents(config: Config, wanted: Filter, *, as_json: bool) -> None:
    """Print the incidents that a filter wants, the last one last."""
    with quiet_client():
        async with open_incidents(config) as topic:
            found = [each for each in topic.values.incidents.values() if wanted.wants(each)]
    found.sort(key=lambda each: (each.opened, each.incident_id))
    if as_json:
        for incident in found:
            sys.stdout.write(incident.to_json().decode() + "\n")
        return
    table = new_table("incident", "status", "severity", "opened", "models", "cause", "owner")
    for incident in found:
        status = "false alarm" if incident.false_alarm else incident.status
        table.add_row(
            printable(incident.incident_id[:SHORT_ID]),
            Text(status, STATUS_STYLE[incident.status]),
            Text(incident.severity, SEVERITY_STYLE[incident.severity]),
            f"{incident.opened:%Y-%m-%d %H:%M:%SZ}",
            str(len({member.model_id for member in incident.members})),
            cause_of(incident),
            printable(incident.owner or ""),
        )
    of = len(topic.values.incidents)
    print_table(table, f"no incident matches, of {of}" if of else "no incident yet")
    rate = false_alarms(topic.values.incidents.values(), datetime.now(UTC))
    if rate.false or config.budget is not None:
        budget = config.budget
        allowed = "" if budget is None else f"; the budget is {format_budget(budget)}"
        sys.stderr.write(
            f"false alarms: {rate.false} of the {rate.opened} incidents of the last"
            f" {format_duration(PERIOD)}{allowed}\n"
        )


async def print_silences(config: Config, *, everything: bool, as_json: bool) -> None:
    """Print the silences that hold or will, or all of them."""
    with quiet_client():
        async with open_incidents(config) as topic:
            found = [
                each
                for each in topic.values.silences.values()
                if everything or each.status in {"active", "pending"}
            ]
    found.sort(key=lambda each: (each.end, each.silence_id))
    if as_json:
        for silence in found:
            sys.stdout.write(silence.to_json().decode() + "\n")
        return
    table = new_table("silence", "status", "covers", "from", "until", "by", "comment")
    for silence in found:
        table.add_row(*describe_silence(silence))
    print_table(table, "no silence yet" if everything else "no silence holds, or will: see --all")


def describe_silence(silence: Silence) -> tuple[str, ...]:
    """Return the cells of a silence."""
    return (
        printable(silence.silence_id),
        silence.status,
        printable(str(silence.matchers)),
        f"{silence.start:%Y-%m-%d %H:%M:%SZ}",
        f"{silence.end:%Y-%m-%d %H:%M:%SZ}",
        printable(silence.author),
        printable(silence.comment),
    )


def cause_of(incident: IncidentState) -> str:
    """Return what an incident is about: its causes, else its first series."""
    arrows = {"up": "↑", "down": "↓", "changed": ""}
    named = [cause for cause in incident.causes if not is_deployment(cause)]
    if len(named) < len(incident.causes):
        models = len({member.model_id for member in incident.members if member.release})
        return f"after the release of {count(models, 'model')}: {_released(incident)}"
    causes = [
        f"{printable(cause.series.removeprefix('feature:'))}{arrows[cause.direction]}"
        for cause in named[:3]
    ]
    if not causes:
        first = incident.members[0]
        series = first.series[0].series + in_segment(first.series[0].segment)
        return f"{printable(series)} of {printable(first.model_id)}"
    return ", ".join(causes) + (" …" if len(named) > 3 else "")


def _released(incident: IncidentState) -> str:
    """Return the series that changed in most of the models of a release."""
    changed = Counter(each.series[0].series for each in incident.members if each.release)
    names = [series.removeprefix("feature:") for series, _ in changed.most_common(3)]
    return printable(", ".join(names)) + (" …" if len(changed) > 3 else "")
