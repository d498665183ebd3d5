"""``streamproc alerts``."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from streamproc.cli.options import Broker, ConfigFile, flag
from streamproc.cli.times import moment


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
        since=None if since is None else moment(since, datetime.now(UTC), "--since", "past"),
    )
    try:
        asyncio.run(print_alerts(source, as_json=as_json))
    except KeyboardInterrupt:
        if not follow:
            raise
