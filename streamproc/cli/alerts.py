"""``streamproc alerts``."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def alerts(
    *,
    follow: Annotated[
        bool, flag("follow", "Wait for more at the end, until interrupted.", show_default=False)
    ] = False,
    as_json: Annotated[
        bool, flag("json", "One AlertEvent a line, and nothing else.", show_default=False)
    ] = False,
    model: Annotated[
        str, flag("model", "Only models that match, such as 'fraud*'.", metavar="GLOB")
    ] = "*",
    since: Annotated[
        str | None,
        flag(
            "since",
            "Only alerts since 15m, 2h, 7d, now or a time.",
            metavar="TIME",
        ),
    ] = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print the alerts on the topic.

    Without --follow it ends with the alerts that are there now. Each is printed once, those of
    one model in the order in which they came.
    """
    from streamproc.cli.alerts_render import print_alerts  # noqa: PLC0415  --help
    from streamproc.client import Alerts  # noqa: PLC0415  --help

    source = Alerts(
        broker,
        config=config,
        follow=follow,
        model=model,
        since=None if since is None else _moment(since, datetime.now(UTC)),
    )
    try:
        asyncio.run(print_alerts(source, as_json=as_json))
    except KeyboardInterrupt:
        if not follow:
            raise


def _moment(text: str, now: datetime) -> datetime:
    from streamproc.schemas.timestamps import parse_timestamp  # noqa: PLC0415  --help
    from streamproc.schemas.units import parse_duration  # noqa: PLC0415  --help

    if text == "now":
        return now
    for parse in (parse_timestamp, lambda stretch: now - parse_duration(stretch)):
        with suppress(ValueError):
            return parse(text)
    raise typer.BadParameter(
        f"{text!r} is neither a time such as 2026-01-05T10:00:00Z, nor a stretch such as 15m, 2h"
        " or 7d, nor now",
        param_hint="--since",
    )
