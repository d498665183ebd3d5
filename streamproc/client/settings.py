"""The config of a client: what a caller gives, in place of what a file says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamproc.contract.config import Config
from streamproc.contract.load import load

Source = Config | Mapping[str, Any] | Path | str | None
"""Where a config comes from: itself, a dict, a file, or nowhere (the defaults)."""


def settle(broker: str | None, source: Source) -> Config:
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
    config = load(source)
    if broker is None:
        return config
    return config.with_broker(broker)
