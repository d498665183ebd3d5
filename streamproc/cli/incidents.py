"""``streamproc incidents``: list and show incidents, and act on them."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from streamproc.cli.options import Broker, ConfigFile, flag
from streamproc.cli.times import ending, moment

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="The incident, or its first letters.", show_default=False),
]
SilenceId = Annotated[
    str,
    typer.Argument(
        metavar="SILENCE", help="The silence, or its first letters.", show_default=False
    ),
]
Json = Annotated[bool, flag("json", "One record a line, and nothing else.", show_default=False)]
By = Annotated[str | None, flag("by", "Who; default: user and machine.", metavar="NAME")]
Reason = Annotated[str, flag("reason", "Why.", metavar="TEXT")]
Glob = str | None

app: Final = typer.Typer(
    help="List and show incidents, and act on them.",
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  streamproc incidents --open --severity critical",
)


def _example(command: str) -> str:
    return f"\b\nExample:\n  streamproc incidents {command}"


@app.callback()
def incidents(  # noqa: PLR0913  a flag each
    ctx: typer.Context,
    *,
    only_open: Annotated[
        bool, flag("open", "Only those that are not resolved.", show_default=False)
    ] = False,
    owner: Annotated[Glob, flag("owner", "Only owners that match.", metavar="GLOB")] = None,
    severity: Annotated[
        Literal["info", "warning", "critical"] | None,
        flag("severity", "Only this severity, or a higher one."),
    ] = None,
    kind: Annotated[Glob, flag("kind", "Only kinds that match.", metavar="GLOB")] = None,
    since: Annotated[
        str | None, flag("since", "Only updated since 15m, 2h, 7d or a time.", metavar="TIME")
    ] = None,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """List the incidents, the last one last.

    Models with one cause are one incident: the same feature, moved in the same direction at the
    same time.
    """
    if ctx.invoked_subcommand is not None:
        return
    from streamproc.cli.incidents_list import Filter, print_incidents  # noqa: PLC0415  --help

    _check({"kind": kind})
    after = None if since is None else moment(since, datetime.now(UTC), "--since", "past")
    wanted = Filter(only_open, owner, severity, kind, after)
    _run(print_incidents, broker, config, wanted, as_json=as_json)


@app.command("show", epilog=_example("show 0b71fe22"))
def show(
    incident: Id,
    *,
    everything: Annotated[
        bool, flag("all", "All members and all of the timeline.", show_default=False)
    ] = False,
    deciles: Annotated[
        bool, flag("deciles", "Read events: values before and since.", show_default=False)
    ] = False,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Show one incident and what to do next."""
    from streamproc.cli.incidents_show import print_incident  # noqa: PLC0415  --help

    flags = {"everything": everything, "deciles": deciles, "as_json": as_json}
    _run(print_incident, broker, config, incident, **flags)


@app.command("rows", epilog=_example("rows 0b71fe22 -n 20 --json"))
def rows(
    incident: Id,
    *,
    model: Annotated[
        str | None, flag("model", "This member; default: the first one.", metavar="MODEL")
    ] = None,
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, max=10_000, help="Events on each side.")
    ] = 10,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print events before and after the change."""
    from streamproc.cli.incidents_rows import print_rows  # noqa: PLC0415  --help

    _run(print_rows, broker, config, incident, model, number, as_json=as_json)


@app.command("ack", epilog=_example("ack 0b71fe22 --reason 'provider called' --until 2h"))
def acknowledge(
    incident: Id,
    *,
    reason: Reason = "",
    until: Annotated[
        str | None, flag("until", "It pages again then: 2h, or a time.", metavar="TIME")
    ] = None,
    by: By = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Tell that you work on it."""
    end = None if until is None else ending(until, datetime.now(UTC), "--until")
    _act(broker, config, incident, "incident_ack", reason=reason, until=end, by=by)


@app.command("accept", epilog=_example("accept 0b71fe22 --reason 'new supplier'"))
def accept(
    incident: Id,
    *,
    reason: Reason = "",
    false_alarm: Annotated[
        bool, flag("false-alarm", "Nothing had changed; also once it is over.", show_default=False)
    ] = False,
    by: By = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Resolve it: meant to be, or a false alarm."""
    given = {"false_alarm": True} if false_alarm else {}  # workers of before refuse the field
    _act(broker, config, incident, "incident_accept", reason=reason, by=by, **given)


@app.command("note", epilog=_example("note 0b71fe22 'asked the provider'"))
def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What to write.", show_default=False)],
    *,
    by: By = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Write something into its timeline."""
    _not_blank(text, "TEXT")
    _act(broker, config, incident, "incident_note", text=text, by=by)


@app.command("assign", epilog=_example("assign 0b71fe22 platform-oncall"))
def assign(
    incident: Id,
    owner: Annotated[str, typer.Argument(help="To whom.", show_default=False)],
    *,
    by: By = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Give it another owner."""
    _not_blank(owner, "OWNER")
    _act(broker, config, incident, "incident_assign", owner=owner, by=by)


@app.command("silence", epilog=_example("silence --feature fx_rate --until 2h --comment upgrade"))
def silence(  # noqa: PLR0913  a flag each
    incident: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this incident.", show_default=False)
    ] = None,
    *,
    model: Annotated[Glob, flag("model", "Models that match.", metavar="GLOB")] = None,
    feature: Annotated[Glob, flag("feature", "Features that match.", metavar="GLOB")] = None,
    owner: Annotated[Glob, flag("owner", "Owners that match.", metavar="GLOB")] = None,
    kind: Annotated[Glob, flag("kind", "Kinds that match.", metavar="GLOB")] = None,
    severity: Annotated[Glob, flag("severity", "Severities that match.", metavar="GLOB")] = None,
    start: Annotated[str | None, flag("start", "From 2h, or a time; default: now.")] = None,
    until: Annotated[str | None, flag("until", "Until 2h from now, or a time.")] = None,
    comment: Annotated[str | None, flag("comment", "Why.", metavar="TEXT")] = None,
    edit: Annotated[str | None, flag("edit", "Change this silence instead.", metavar="ID")] = None,
    by: By = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Let sinks skip what matches, until a time.

    With --edit only what is given changes.
    """
    from streamproc.cli.incidents_act import print_silenced  # noqa: PLC0415  --help

    now = datetime.now(UTC)
    globs = {
        "model": model, "feature": feature, "owner": owner, "kind": kind, "severity": severity
    }  # fmt: skip
    given = {key: glob for key, glob in globs.items() if glob is not None}
    _check(given)
    if edit is None and not given and incident is None:
        raise typer.BadParameter("give an incident or a glob: this would silence everything")
    if edit is None and until is None:
        raise typer.BadParameter("give the end, such as 2h", param_hint="--until")
    times = {
        "start": None if start is None else moment(start, now, "--start", "future"),
        "end": None if until is None else ending(until, now, "--until"),
    }
    _run(print_silenced, broker, config, incident, given, times, comment, edit, by)


@app.command("unsilence", epilog=_example("unsilence 5d0e1f22a0b1"))
def unsilence(
    silence_id: SilenceId, *, by: By = None, config: ConfigFile = None, broker: Broker = None
) -> None:
    """End a silence now."""
    from streamproc.cli.incidents_act import print_unsilenced  # noqa: PLC0415  --help

    _run(print_unsilenced, broker, config, silence_id, by)


@app.command("silences", epilog=_example("silences"))
def silences(
    *,
    everything: Annotated[
        bool, flag("all", "Those that are over, too.", show_default=False)
    ] = False,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """List the silences."""
    from streamproc.cli.incidents_list import print_silences  # noqa: PLC0415  --help

    _run(print_silences, broker, config, everything=everything, as_json=as_json)


def _check(globs: "Mapping[str, Glob]") -> None:
    """Refuse globs that no alert matches: what they cover would be silent by mistake."""
    from streamproc.schemas.label_values import unknown_glob  # noqa: PLC0415  --help

    for name, glob in globs.items():
        if glob is not None and (problem := unknown_glob(name, glob)):
            raise typer.BadParameter(problem, param_hint=f"--{name}")


def _not_blank(text: str, name: str) -> None:
    if not text.strip():
        raise typer.BadParameter("it is empty", param_hint=name)


def _act(broker: str | None, config: Any, incident: str, verb: str, **payload: Any) -> None:
    from streamproc.cli.incidents_act import print_acted  # noqa: PLC0415  --help

    _run(print_acted, broker, config, incident, verb, payload)


def _run(job: Any, broker: str | None, config: Any, *arguments: Any, **options: Any) -> None:
    from streamproc.client.settings import settle_client  # noqa: PLC0415  --help

    work: Coroutine[Any, Any, None] = job(settle_client(broker, config), *arguments, **options)
    asyncio.run(work)
