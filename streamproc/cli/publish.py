"""``streamproc publish``."""

import asyncio
import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag

if TYPE_CHECKING:
    from streamproc.tabular.cell_kinds import CellKind

_STDIN = Path("-")


def readable(file: Path) -> Path:
    """Refuse a file that is none, before anything is started."""
    if file != _STDIN and not file.exists():
        raise typer.BadParameter(f"{file} does not exist")
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a directory")
    return file


def _model_id(model: str) -> str:
    if not 1 <= len(model) <= 255:
        raise typer.BadParameter("must have 1 to 255 characters")
    return model


def _positive(rate: float | None) -> float | None:
    if rate is not None and not rate > 0:
        raise typer.BadParameter("must be more than 0")
    return rate


def _zone(name: str) -> str:
    from streamproc.config.topics import zone_of  # noqa: PLC0415  --help

    try:
        zone_of(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return name


def _char(text: str | None) -> str | None:
    text = "\t" if text in {"\\t", "tab"} else text
    if text is not None and len(text) != 1:
        raise typer.BadParameter("must be one character, or tab")
    return text


def _decimal(mark: str) -> str:
    if mark not in {".", ","}:
        raise typer.BadParameter("must be . or ,")
    return mark


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


def _types(text: str | None) -> "dict[str, CellKind]":
    """Parse ``COL=KIND,…``."""
    from streamproc.tabular.cell_kinds import KINDS  # noqa: PLC0415  --help

    found: dict[str, CellKind] = {}
    for part in text.split(",") if text else ():
        column, _, kind = part.rpartition("=")
        if not column or kind not in KINDS:
            message = f"{part!r}: expected COL=KIND, with one of {', '.join(KINDS)}"
            raise typer.BadParameter(message, param_hint="--types")
        found[column] = kind
    return found


def publish(  # noqa: PLR0913  one parameter a flag
    file: Annotated[
        Path,
        typer.Argument(
            help="csv, jsonl (also .gz), parquet, xlsx, or -.",
            metavar="FILE",
            callback=readable,
            show_default=False,
        ),
    ],
    *,
    model: Annotated[
        str, flag("model", "The model_id of the events.", metavar="ID", callback=_model_id)
    ],
    prediction: Annotated[
        str | None,
        flag(
            "prediction",
            "Column of the prediction. Default: none.",
            metavar="COL",
        ),
    ] = None,
    label: Annotated[
        str | None,
        flag("label", "Column of the label. Default: none.", metavar="COL"),
    ] = None,
    ts: Annotated[
        str | None,
        flag("ts", "Column of the event time. Default: now.", metavar="COL"),
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
        int,
        flag(
            "label-delay",
            "Rows between an event and its label.",
            min=0,
            metavar="N",
        ),
    ] = 0,
    rate: Annotated[
        float | None,
        flag(
            "rate",
            "Max rows a second. Default: no limit.",
            metavar="R",
            callback=_positive,
        ),
    ] = None,
    tz: Annotated[
        str,
        flag("tz", "Zone of times without one.", metavar="ZONE", callback=_zone),
    ] = "UTC",
    ts_format: Annotated[
        str | None,
        flag("ts-format", "us, eu, excel, or as strptime's.", metavar="FORMAT"),
    ] = None,
    types: Annotated[
        str | None,
        flag("types", "Kinds of columns, see below.", metavar="COL=KIND,…"),
    ] = None,
    delimiter: Annotated[
        str | None,
        flag("delimiter", "Between cells. Default: , ; | or tab.", metavar="CHAR", callback=_char),
    ] = None,
    decimal: Annotated[
        str, flag("decimal", "Decimal mark of numbers.", metavar="CHAR", callback=_decimal)
    ] = ".",
    encoding: Annotated[
        str, flag("encoding", "Of csv, such as cp1252.", metavar="NAME", callback=_encoding)
    ] = "utf-8",
    skip_bad: Annotated[
        Path | None,
        flag("skip-bad", "Write rows that cannot be read here.", metavar="FILE"),
    ] = None,
    dry_run: Annotated[bool, flag("dry-run", "Print what columns are; send nothing.")] = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Publish the rows of a file as events.

    Without --prediction the rows become feature events; with --label each row also gives a label
    event, sent --label-delay rows later.

    A csv file without a header has columns c0, c1, and so on. Numbers, true and false are what
    they look like; an empty cell, NA, NaN and null are missing; the rest is text.

    --types: number ($1,441.60), percent (95.0% is 0.95), boolean (yes), list (0.5 2), text (007).
    """
    from streamproc.cli.publish_run import Job, publish_file  # noqa: PLC0415  --help
    from streamproc.config.topics import zone_of  # noqa: PLC0415  --help
    from streamproc.tabular.file_format import FileFormat  # noqa: PLC0415  --help

    job = Job(
        file=file,
        model=model,
        prediction=prediction,
        label=label,
        ts=ts,
        identity=identity,
        features=None if features is None else tuple(features.split(",")),
        label_delay=label_delay,
        rate=rate,
        form=FileFormat(delimiter, decimal, encoding, _types(types)),
        tz=zone_of(tz),
        ts_format=ts_format,
        dry_run=dry_run,
        skip_bad=skip_bad,
    )
    asyncio.run(publish_file(job, broker, config))
