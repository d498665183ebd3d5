"""Check that an installed client library has the private names that this project uses."""

from collections.abc import Iterable
from importlib import metadata
from typing import Any

from streamproc.kafka.errors import ClientLibraryError

Needed = tuple[Any, tuple[str, ...]]
"""A class and names that it must have, or a function and names that it must use."""


def require(library: str, allowed: str, needed: Iterable[Needed]) -> None:
    """Raise if a library lacks a name.

    Parameters
    ----------
    library
        Name of its distribution.
    allowed
        The versions that this project supports.
    needed
        What to check.

    Raises
    ------
    ClientLibraryError
        The message names what is missing and where, and the versions to install.
    """
    for owner, names in needed:
        missing = [name for name in names if not _has(owner, name)]
        if missing:
            version = metadata.version(library)
            raise ClientLibraryError(
                f"{library} {version} has no {missing[0]!r} in {owner.__qualname__}:"
                f" install a version that streamproc allows ({library}{allowed})"
            )


def _has(owner: Any, name: str) -> bool:
    if isinstance(owner, type):
        return hasattr(owner, name)
    code = owner.__code__
    return name in code.co_names or name in code.co_varnames
