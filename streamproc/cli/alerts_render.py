"""Print alerts for a person or as JSON."""

import sys
from collections.abc import Mapping
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from streamproc.client import Alerts
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.segment_series import in_segment
from streamproc.terminal import note, printable

_STATUS: Final[Mapping[str, str]] = {
    "pending": "dim",
    "firing": "bold red",
    "updated": "yellow",
    "settled": "yellow",
    "resolved": "green",
    "acknowledged": "cyan",
    "silenced": "dim",
}
_NAMED: Final = 3  # series of an incident
_SEVERITY: Final[Mapping[str, str]] = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


async def print_alerts(source: Alerts, *, as_json: bool) -> None:
    """Print alerts as they come, each at once.

    Parameters
    ----------
    source
        Where they come from.
    as_json
        Whether as one AlertEvent a line, rather than for a person.
    """
    with quiet_client():
        await _print(source, Console(highlight=False, soft_wrap=True), as_json=as_json)


async def _print(source: Alerts, console: Console, *, as_json: bool) -> None:
    printed = False
    async with source as alerts:
        async for alert in alerts:
            print_alert(alert, console, as_json=as_json)
            printed = True
    if not printed and not as_json:
        note("no alert matches")


def print_alert(alert: AlertEvent, console: Console, *, as_json: bool) -> None:
    """Print one alert, at once; `as_json`: as a line of JSON, rather than for a person."""
    if as_json:
        sys.stdout.buffer.write(as_line(alert))
        sys.stdout.buffer.flush()
    else:
        console.print(describe(alert))


def as_line(alert: AlertEvent) -> bytes:
    """Return an alert as a line of JSON, with `silenced_by` and `inhibited_by` where it has any."""
    marks = {"silenced_by": alert.silenced_by, "inhibited_by": alert.inhibited_by}
    given = {name: ids for name, ids in marks.items() if ids}
    value = alert.to_json()
    if given:
        value = value[:-1] + b"," + msgspec.json.encode(given)[1:]
    return value + b"\n"


def describe(alert: AlertEvent) -> Text:
    """Return an alert in lines: time, status and series; its message; its incident.

    The third line has the beginning of the incident's id, with which ``streamproc incidents show``
    finds it, and the main contributors if several series take part. The last line is there if the
    model has an owner or a runbook. The first line ends with the silences that cover the alert, if
    any. Markup and control characters are escaped.
    """
    return Text.assemble(
        (alert.ts.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z", "dim"),
        " ",
        (f"{alert.status:<8}", _STATUS[alert.status]),
        " ",
        (f"{alert.severity:<8}", _SEVERITY[alert.severity]),
        " ",
        (printable(alert.model_id), "bold"),
        " ",
        (printable(alert.series + in_segment(alert.segment)), "magenta"),
        f" {printable(alert.detector)}",
        (_marks(alert), "dim"),
        f"\n    {printable(alert.message)}",
        (_incident(alert), "dim"),
        (_help(alert), "dim"),
    )


def _marks(alert: AlertEvent) -> str:
    given = (("silenced", alert.silenced_by), ("inhibited", alert.inhibited_by))
    found = [f" {word} by {printable(', '.join(ids))}" for word, ids in given if ids]
    return "".join(found)


def _incident(alert: AlertEvent) -> str:
    shares = alert.contributors or ()
    known = f"\n    incident {printable(alert.incident_id[:8])}"
    if not shares:
        return known
    named = [f"{printable(each.series)} {100 * each.share:.3g} %" for each in shares[:_NAMED]]
    more = ["…"] if len(shares) > _NAMED else []
    return f"{known}: {', '.join(named + more)}"


def _help(alert: AlertEvent) -> str:
    given = (("owner", alert.owner), ("runbook", alert.runbook))
    found = [f"{name} {printable(value)}" for name, value in given if value]
    return f"\n    {', '.join(found)}" if found else ""
