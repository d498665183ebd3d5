"""``streamproc models``: inspect, promote, roll back and try online models."""

import asyncio
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from streamproc.cli.options import Broker, ConfigFile, flag
from streamproc.cli.publish import readable

Glob = Annotated[str, flag("model", "Only models that match, such as 'fraud*'.", metavar="GLOB")]
Json = Annotated[
    bool, flag("json", "One ModelUpdate a line, and nothing else.", show_default=False)
]
Name = Annotated[str, typer.Argument(metavar="MODEL", help="The model's id.", show_default=False)]
Segment = Annotated[
    list[str] | None,
    flag("segment", "Tags of a model of `per`, each as NAME=VALUE.", metavar="NAME=VALUE"),
]

app: Final = typer.Typer(
    help="Show online models; promote or roll back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _example(command: str) -> str:
    return f"\b\nExample:\n  streamproc models {command}"


@app.command("list", epilog=_example("list --model 'fraud*'"))
def list_models(
    *, model: Glob = "*", as_json: Json = False, config: ConfigFile = None, broker: Broker = None
) -> None:
    """List the online models and their errors.

    The figures are of the version that answers; beside them those of the production model and of
    the floor, on the same events.
    """
    from streamproc.cli.models_list import print_list  # noqa: PLC0415  --help
    from streamproc.client import ModelUpdates  # noqa: PLC0415  --help

    source = ModelUpdates(broker, config=config, follow=False, model=model)
    asyncio.run(print_list(source, as_json=as_json))


@app.command("show", epilog=_example("show fraud"))
def show(
    name: Name,
    *,
    segment: Segment = None,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Show the versions of an online model."""
    from streamproc.cli.models_list import print_versions  # noqa: PLC0415  --help
    from streamproc.client import ModelUpdates  # noqa: PLC0415  --help

    source = ModelUpdates(broker, config=config, follow=False)
    asyncio.run(print_versions(source, name, tags(segment), as_json=as_json))


@app.command("history", epilog=_example("history fraud --follow"))
def history(
    name: Name,
    *,
    segment: Segment = None,
    learned: Annotated[
        bool, flag("learned", "Each update of what was learned, too.", show_default=False)
    ] = False,
    follow: Annotated[
        bool, flag("follow", "Wait for more at the end, until interrupted.", show_default=False)
    ] = False,
    as_json: Json = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Show the steps of an online model and why."""
    from streamproc.cli.models_list import print_history  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    job = print_history(
        resolve_config(broker, config),
        name,
        tags(segment),
        learned=learned,
        follow=follow,
        as_json=as_json,
    )
    try:
        asyncio.run(job)
    except KeyboardInterrupt:
        if not follow:
            raise


@app.command("promote", epilog=_example("promote fraud --version 3"))
def promote(
    name: Name,
    *,
    version: Annotated[
        int | None,
        flag("version", "Version to promote. Default: the best one.", min=0),
    ] = None,
    segment: Segment = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Promote a challenger in all workers.

    It does not wait for the test against the champion.
    The config must have `control`, as the workers' has.
    """
    _choose("promote", name, version, segment, config, broker)


@app.command("rollback", epilog=_example("rollback fraud"))
def rollback(
    name: Name,
    *,
    version: Annotated[
        int | None,
        flag("version", "Version to return to. Default: the last.", min=0),
    ] = None,
    segment: Segment = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Roll back to an earlier version.

    The config must have `control`, as the workers' has.
    """
    _choose("rollback", name, version, segment, config, broker)


def _choose(
    verb: Literal["promote", "rollback"],
    name: str,
    version: int | None,
    segment: list[str] | None,
    config: Path | None,
    broker: str | None,
) -> None:
    from streamproc.cli.models_promote import choose  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help
    from streamproc.schemas.model_command import Choice  # noqa: PLC0415  --help

    choice = Choice(model_id=name, segment=tags(segment), version=version)
    asyncio.run(choose(resolve_config(broker, config), verb, choice))


@app.command("try", epilog=_example("try history.csv --model fraud --label target"))
def try_(  # noqa: PLR0913  one parameter a flag
    file: Annotated[
        Path,
        typer.Argument(
            help="csv, jsonl (both also .gz), parquet, or -.",
            metavar="FILE",
            callback=readable,
            show_default=False,
        ),
    ],
    *,
    model: Annotated[str, flag("model", "The entry of the config to try.", metavar="ID")],
    label: Annotated[str, flag("label", "Column with the truth.", metavar="COL")],
    prediction: Annotated[
        str | None, flag("prediction", "Column of the production prediction.", metavar="COL")
    ] = None,
    ts: Annotated[
        str | None,
        flag("ts", "Column of the time. Default: a row a second.", metavar="COL"),
    ] = None,
    identity: Annotated[
        str | None,
        flag("id", "Column of the event_id. Default: row number.", metavar="COL"),
    ] = None,
    features: Annotated[
        str | None,
        flag("features", "Columns of features. Default: all others.", metavar="COL,…"),
    ] = None,
    label_delay: Annotated[
        int, flag("label-delay", "A label comes that many rows later.", min=0, metavar="N")
    ] = 0,
    config: ConfigFile = None,
) -> None:
    """Run an online model over a file.

    No broker is needed.
    Each row is answered, and its label learned, in the order in which `publish` with the same
    flags would send them. Beside it runs the same model with `on_drift: notify`: what its
    reactions to drift were worth.
    """
    from streamproc.cli.models_try import try_file  # noqa: PLC0415  --help
    from streamproc.cli.publish_run import Job  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    job = Job(
        file=file,
        model=model,
        prediction=prediction,
        label=label,
        ts=ts,
        identity=identity,
        features=None if features is None else tuple(features.split(",")),
        label_delay=label_delay,
    )
    try_file(job, resolve_config(None, config))


def tags(given: list[str] | None) -> dict[str, str] | None:
    """Read NAME=VALUE pairs.

    Raises
    ------
    typer.BadParameter
        When one of them is none.
    """
    found: dict[str, str] = {}
    for pair in given or ():
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise typer.BadParameter(
                f"{pair!r}: expected NAME=VALUE, such as shop=7", param_hint="--segment"
            )
        found[name] = value
    return found or None
