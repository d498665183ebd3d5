"""Silence the Kafka client's log lines where our errors report the problem."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("aiokafka")
_ABOVE_ALL = logging.CRITICAL + 1


class _Depth:
    """Number of open quiet blocks, and the log level to restore after the last one."""

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
