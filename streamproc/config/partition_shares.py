"""The fixed part of a deployment that one partition of a watched topic has."""

from typing import Final

_SHARES: Final = {"predictions": 2, "features": 4, "outcomes": 4}
"""Divisor that gives the share of all partitions of a topic."""


def parts(kind: str, partitions: int) -> int:
    """Return into how many parts something is divided, of which a partition has one.

    It depends on nothing but the configuration: what a partition does must not depend on which
    partitions a worker has, or a restart would publish other alerts.

    Parameters
    ----------
    kind
        Kind of the topic: ``predictions``, ``features`` or ``outcomes``.
    partitions
        Its number of partitions.

    Examples
    --------
    >>> parts("predictions", 8)
    16
    """
    return _SHARES[kind] * partitions
