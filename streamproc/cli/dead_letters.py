"""``streamproc dead-letters``."""

import asyncio
from typing import Annotated

from streamproc.cli.options import Broker, ConfigFile, flag


def dead_letters(
    *,
    follow: Annotated[
        bool, flag("follow", "Wait for more at the end, until interrupted.", show_default=False)
    ] = False,
    redrive: Annotated[
        bool,
        flag("redrive", "Send them to their topics again, each once.", show_default=False),
    ] = False,
    topic: Annotated[str, flag("topic", "Only those of topics that match.", metavar="GLOB")] = "*",
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print unreadable records, with reasons.

    --redrive sends them to the topics they came from, with their keys, headers and timestamps, once
    their cause is corrected. Those that it has sent are not sent again; one that still cannot be
    read is a new dead letter.
    """
    from streamproc.cli.dead_letters_run import print_letters, send_again  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    settings = resolve_config(broker, config)
    try:
        if redrive:
            asyncio.run(send_again(settings, topic))
        else:
            asyncio.run(print_letters(settings, topic, follow=follow))
    except KeyboardInterrupt:
        if not follow:
            raise
