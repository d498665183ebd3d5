"""Print one incident: what changed, since when, for whom, and what to do next."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.console import Console

from streamproc.cli.incidents_deciles import deciles_of, level_text, lines_of
from streamproc.cli.incidents_list import SHORT_ID, STATUS_STYLE
from streamproc.client.incidents import open_incidents
from streamproc.config.config import Config
from streamproc.incidents.deployments import distance, is_deployment, nearest, rounded
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.deployments import Deployment
from streamproc.schemas.incidents import (
    ChangedSeries,
    IncidentState,
    Member,
    OnsetInterval,
    TimelineEntry,
)
from streamproc.schemas.segment_series import in_segment
from streamproc.schemas.silences import SILENCE_KEY, Silence
from streamproc.schemas.units import format_duration
from streamproc.terminal import count, printable

_MEMBERS = 4
_STEPS = 4


async def print_incident(
    config: Config, text: str, *, everything: bool, deciles: bool, as_json: bool
) -> None:
    """Print the incident with an id; `deciles`: with those of the first changed series.

    Raises
    ------
    UnknownIncidentError
        If there is none.
    TopicError
        If the events that deciles are computed from have been deleted.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            incident = topic.find(text)
            others = topic.values.incidents
            deployments = topic.values.deployments.values()
            silences = {
                key.removeprefix(SILENCE_KEY): each for key, each in topic.values.silences.items()
            }
        found = await deciles_of(config, incident.members[0]) if deciles else None
    if as_json:
        more = {} if found is None else {"deciles": found}
        value = {**msgspec.json.decode(incident.to_json()), **more}
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        return
    head, *lines = describe(
        incident, silences, others, deployments, deciles=found, everything=everything
    )
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(head, style=STATUS_STYLE[incident.status])
    for line in lines:
        console.print(line)


def describe(
    incident: IncidentState,
    silences: Mapping[str, Silence],
    others: Mapping[str, IncidentState],
    deployments: Iterable[Deployment] = (),
    *,
    deciles: Mapping[str, Any] | None = None,
    everything: bool = False,
) -> list[str]:
    """Return an incident in at most ten lines; `everything`, and with deciles, in more."""
    lines = list(_lines(incident, silences, others, deployments, everything=everything))
    if deciles is not None:
        at = next(at for at, line in enumerate(lines) if line.startswith("values"))
        lines[at + 1 : at + 1] = lines_of(deciles)
    return [printable(line) for line in lines]


def _lines(
    incident: IncidentState,
    silences: Mapping[str, Silence],
    others: Mapping[str, IncidentState],
    deployments: Iterable[Deployment],
    *,
    everything: bool,
) -> Iterator[str]:
    first = incident.members[0]
    yield (
        f"incident {incident.incident_id}: {incident.status}"
        f"{_reason(incident)}, {incident.severity},"
        f" owner {incident.owner or 'nobody'}, since {incident.opened:%Y-%m-%d %H:%M:%SZ}"
    )
    yield f"what      {first.series[0].message or first.series[0].series}"
    yield f"began     {_onset(incident, first.series[0], deployments)}"
    yield f"values    {_values(first.series[0])}"
    yield from _members(incident, everything=everything)
    yield from _timeline(incident, everything=everything)
    yield f"handling  {_handling(incident, silences, others)}"
    notes = [entry for entry in incident.timeline if entry.step == "noted"]
    if notes:
        yield f"note      {notes[-1].text} ({notes[-1].by}, {_clock(notes[-1].at, incident)})"
    yield f"runbook   {next((each.runbook for each in incident.members if each.runbook), 'none')}"
    yield f"next      {next_step(incident)}"


def _onset(incident: IncidentState, first: ChangedSeries, deployments: Iterable[Deployment]) -> str:
    named = [cause.onset for cause in incident.causes if not is_deployment(cause)]
    onset = named[0] if named else first.onset
    if onset is None:
        return "unknown"
    return (
        f"between {onset.earliest:%Y-%m-%d %H:%M:%SZ} and {onset.latest:%Y-%m-%d %H:%M:%SZ}"
        f"{_deployed(incident, onset, deployments)}"
    )


def _deployed(
    incident: IncidentState, onset: OnsetInterval, deployments: Iterable[Deployment]
) -> str:
    """Name the deployment of its models that is nearest to the onset."""
    known, models = list(deployments), {member.model_id for member in incident.members}
    found = nearest((each for each in known if each.model_id in models), onset)
    if found is None:
        return "; no deployment of its models is known"
    # Of a release that of the model which the other lines are about.
    first, release = incident.members[0].model_id, found.release
    same = (each for each in known if (each.model_id, each.release) == (first, release))
    found = next(same, found)
    apart = distance(found, onset)
    how = f"{format_duration(abs(rounded(apart)))} {'after' if apart > timedelta() else 'before'}"
    version = f"version {found.model_version} of model {found.model_id}"
    was = f" (was {found.previous})" if found.previous else ""
    others = len(
        {each.model_id for each in known if each.release == found.release} - {found.model_id}
    )
    with_others = f", released with {count(others, 'other model')}" if others else ""
    return (
        f"; {how if apart else 'with'} the deployment of {version}{was} at"
        f" {found.began:%Y-%m-%d %H:%M:%SZ}"
        f"{with_others}"
    )


def _values(series: ChangedSeries) -> str:
    name = series.series + in_segment(series.segment)
    was, now = (level_text(series.series, each) for each in (series.before, series.after))
    return f"{name}: {was} before, {now} since"


def _members(incident: IncidentState, *, everything: bool) -> Iterator[str]:
    """Yield the models; one may be a member several times, by several of its incidents."""
    members: dict[str, list[Member]] = {}
    for member in incident.members:
        members.setdefault(member.model_id, []).append(member)
    names = [", ".join(map(_member, each)) for each in members.values()]
    ended = sum(not any(member.open for member in each) for each in members.values())
    total = f"{len(members)} ({ended} recovered)"
    if everything:
        yield f"models    {total}"
        yield from (f"          {name}" for name in names)
        return
    left = len(names) - _MEMBERS
    yield (
        f"models    {total}: {', '.join(names[:_MEMBERS])}{f' and {left} more' if left > 0 else ''}"
    )


def _member(member: Member) -> str:
    share = f" {100 * member.contributors[0].share:.0f} %" if member.contributors else ""
    named = member.contributors[0].series if member.contributors else member.series[0].series
    version = f" v{member.model_version}" if member.model_version else ""
    return f"{member.model_id}{version} ({named}{share})"


def _timeline(incident: IncidentState, *, everything: bool) -> Iterator[str]:
    if everything:
        yield "timeline"
        yield from (f"          {_step(entry, incident)}" for entry in incident.timeline)
        return
    # Every member has joined: what people and pages did is rarer.
    frequent = {"joined", "fired", "settled", "resolved"}
    rare = [each for each in incident.timeline if each.step not in frequent]
    shown = (rare or incident.timeline)[-_STEPS:]
    yield f"timeline  {'; '.join(_step(entry, incident) for entry in shown)}"


def _clock(at: datetime, incident: IncidentState) -> str:
    """Return the time of day, with the date if it is another one than in the first line."""
    return f"{at:%H:%M:%SZ}" if at.date() == incident.opened.date() else f"{at:%Y-%m-%d %H:%M:%SZ}"


def _step(entry: TimelineEntry, incident: IncidentState) -> str:
    who = f" by {entry.by}" if entry.by else ""
    what = " ".join(each for each in (entry.model_id, entry.text) if each)
    at = _clock(entry.at, incident)
    return f"{at} {entry.step.replace('_', ' ')}{who}{f': {what}' if what else ''}"


def _handling(
    incident: IncidentState,
    silences: Mapping[str, Silence],
    others: Mapping[str, IncidentState],
) -> str:
    pages = incident.paged
    paged = f"paged {count(len(pages), 'time')}"
    parts = [f"{paged}, last {_clock(pages[-1], incident)}" if pages else "not paged"]
    acknowledged = incident.acknowledgement
    if acknowledged is not None:
        over = acknowledged.until
        until = f" until {_clock(over, incident)}" if over else ""
        parts.append(f"acknowledged by {acknowledged.by}{until}: {acknowledged.reason or '-'}")
    for silence_id in incident.silences:
        silence = silences.get(silence_id)
        end = f" until {silence.end:%Y-%m-%d %H:%M:%SZ}" if silence else ""
        parts.append(f"silence {silence_id}{end}")
    parts += [_hidden_by(source, others.get(source)) for source in incident.inhibited_by]
    return "; ".join(parts)


def _hidden_by(incident_id: str, source: IncidentState | None) -> str:
    """Say which incident holds the page back, and what that one is about."""
    first = source.members[0] if source else None
    about = f" ({first.kind} of model {first.model_id})" if first else ""
    return f"hidden while incident {incident_id[:SHORT_ID]}{about} is open"


def _reason(incident: IncidentState) -> str:
    reasons = (incident.reason, "false alarm" if incident.false_alarm else None)
    text = ", ".join(filter(None, reasons))
    return f" ({text})" if text else ""


def next_step(incident: IncidentState) -> str:
    """Return the command that helps next."""
    name = f"streamproc incidents {{}} {incident.incident_id[:SHORT_ID]}"
    if not incident.open:
        return "nothing to do: it is over"
    if incident.status == "silenced":
        silence = next(iter(incident.silences), "SILENCE")
        return f"wait for the end of the silence, or `streamproc incidents unsilence {silence}`"
    if incident.status == "inhibited":
        source = next(iter(incident.inhibited_by), "ID")
        return f"`streamproc incidents show {source[:SHORT_ID]}`: solve that one first"
    if incident.status == "settled":
        return f"`{name.format('accept')}` if its new level is meant to be, else open the runbook"
    if incident.acknowledgement is None:
        return f"`{name.format('ack')} --reason …`, then open the runbook"
    return (
        f"`{name.format('note')} …` what you find; `{name.format('accept')}` if it is meant to be"
    )
