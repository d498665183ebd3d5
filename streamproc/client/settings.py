"""The config of a client: what a caller gives, in place of what a file says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.errors import MissingExtraError

Source = Config | Mapping[str, Any] | Path | str | None
"""Where a config comes from: itself, a dict, a file, or nowhere (the defaults)."""


def resolve_config(broker: str | None, source: Source) -> Config:
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
    return _with_broker(load(source), broker)


def settle_client(broker: str | None, source: Source) -> Config:
    """Return the config of a program that only publishes or reads.

    Like `resolve_config`, but without the section ``models`` where the worker is not installed:
    only the worker can check the detectors that are named there, and no client uses them.
    """
    try:
        return resolve_config(broker, source)
    except MissingExtraError:
        return _with_broker(load(source, ignore=("models",)), broker)


def _with_broker(config: Config, broker: str | None) -> Config:
    if broker is None:
        return config
    return config.with_broker(broker)
