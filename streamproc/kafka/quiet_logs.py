"""Keep the Kafka client's own log lines from a user who is told by our errors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("aiokafka")
_ABOVE_ALL = logging.CRITICAL + 1


class _Depth:
    """How many blocks are quiet now, and the level to which the last one returns."""

    blocks = 0
    level = logging.NOTSET


@contextmanager
def quiet_client() -> Iterator[None]:
    """Silence aiokafka's loggers in a block; blocks may overlap."""
    if not _Depth.blocks:
        _Depth.level = _LOGGER.level
        _LOGGER.setLevel(_ABOVE_ALL)
    _Depth.blocks += 1
    try:
        yield
    finally:
        _Depth.blocks -= 1
        if not _Depth.blocks:
            _LOGGER.setLevel(_Depth.level)
