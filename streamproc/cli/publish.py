"""``streamproc publish``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag

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


def publish(  # noqa: PLR0913  one parameter a flag
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
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Publish the rows of a file as events.

    Without --prediction the rows become feature events; with --label each row also gives a label
    event, sent --label-delay rows later.

    A csv file without a header has columns c0, c1, and so on. Numbers, true and false are what
    they look like; an empty cell, NA, NaN and null are missing; the rest is text.
    """
    from streamproc.cli.publish_run import Job, publish_file  # noqa: PLC0415  --help

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
    )
    asyncio.run(publish_file(job, broker, config))
