"""``streamproc check``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamproc.cli.options import Broker

if TYPE_CHECKING:
    from streamproc.config.config import Config
    from streamproc.config.registry import Registry


def check(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The config file.", show_default=False)
    ],
    broker: Broker = None,
) -> None:
    """Validate a config file and print it."""
    from streamproc.cli.check_render import summarise  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help
    from streamproc.config.load import located  # noqa: PLC0415  --help
    from streamproc.errors import ConfigError  # noqa: PLC0415  --help
    from streamproc.sinks.targets import AbsentError, targets_of  # noqa: PLC0415  --help
    from streamproc.tabular.reference import with_references  # noqa: PLC0415  --help

    loaded = resolve_config(broker, config)
    absent: list[str] = []
    try:
        loaded = with_references(loaded)
        try:
            targets_of(loaded)
        except AbsentError as error:
            absent += error.problems
    except ConfigError as error:
        raise ConfigError(*located(config, error.problems)) from None
    absent = [*_absent(loaded), *absent]
    for line in summarise(loaded):
        typer.echo(line)
    for problem in located(config, absent):  # a build machine has no secrets, and may check
        typer.echo(f"not on this machine: {problem}")
    typer.echo("ok")


def _absent(config: "Config") -> list[str]:
    """Look up every secret and file but those of webhooks; list what is missing here."""
    from streamproc.errors import ConfigError, MissingExtraError  # noqa: PLC0415  --help
    from streamproc.kafka.security import client_options  # noqa: PLC0415  --help

    lookups: list[Callable[[], object]] = [lambda: client_options(config.security)]
    if config.http is not None:
        lookups.append(config.http.token)
    if (http_intake := config.http_intake) is not None:
        lookups.append(lambda: http_intake.token("http_intake"))
    if (registry := config.registry) is not None:
        lookups.append(lambda: _look_at_registry(registry))
    if config.control is not None:
        lookups.append(config.control.secret)
    problems: list[str] = []
    for look in lookups:
        try:
            look()
        except ConfigError as error:
            problems += error.problems
        except MissingExtraError as error:
            problems.append(f"registry: {error}")
    return problems


def _look_at_registry(registry: "Registry") -> None:
    """Look up the registry's secrets and certificates, and the packages that read it."""
    from streamproc.registry.client import RegistryClient  # noqa: PLC0415  an extra

    RegistryClient(registry)
