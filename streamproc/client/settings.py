"""The config of a client: what a caller gives, in place of what a file says."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from streamproc.config.config import Config

Source: TypeAlias = Union["Config", Mapping[str, Any], Path, str, None]
"""Where a config comes from: itself, a dict, a file, or nowhere (the defaults)."""


def resolve_config(broker: str | None, source: Source) -> "Config":
    """Return the config, with another broker when one is given.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas; None keeps the config's.
    source
        Path of a config file, a dict, a Config, or None for the defaults.

    Raises
    ------
    ConfigError
        When the config is wrong; the message names file, line and field.
    """
    return _resolve(broker, source)


def settle_client(broker: str | None, source: Source) -> "Config":
    """Return the config of a program that only publishes or reads.

    Like `resolve_config`, but without the section ``models`` where the worker is not installed:
    only the worker can check the detectors that are named there, and no client uses them.
    """
    from streamproc.errors import MissingExtraError  # noqa: PLC0415  as below

    try:
        return _resolve(broker, source)
    except MissingExtraError:
        return _resolve(broker, source, ignore=("models",))


def _resolve(broker: str | None, source: Source, ignore: tuple[str, ...] = ()) -> "Config":
    # Imported when first used: the whole configuration takes as long to load as the rest of the
    # client.
    from streamproc.config.load import load  # noqa: PLC0415  the reason is above

    config = load(source, ignore=ignore)
    return config if broker is None else config.with_broker(broker)
