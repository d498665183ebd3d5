"""``streamproc control``."""

import json
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def control(
    verb: Annotated[str, typer.Argument(help="save: write snapshots of all state now.")],
    payload: Annotated[
        str, typer.Argument(metavar="[PAYLOAD]", help="What to do it to, as JSON.")
    ] = "{}",
    issuer: Annotated[
        str | None, flag("issuer", "Who says so; default: user and machine.", metavar="NAME")
    ] = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Send a signed command to all workers.

    The config must have `control`, as the workers' has.
    """
    import asyncio  # noqa: PLC0415  --help

    from streamproc.client.control import send_command  # noqa: PLC0415  --help

    try:
        about = json.loads(payload)
    except ValueError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint="PAYLOAD") from error
    if not isinstance(about, dict):
        raise typer.BadParameter("expected a JSON object", param_hint="PAYLOAD")
    sent = asyncio.run(send_command(verb, about, broker=broker, config=config, issuer=issuer))
    typer.echo(f"sent {sent.id}: {sent.verb}, until {sent.expires:%Y-%m-%d %H:%M:%SZ}")
