"""Stand-ins of client libraries that lack a private name."""

from collections.abc import Iterable
from typing import Any

from streamproc.kafka.library import Needed


def each_name(needed: Iterable[Needed]) -> list[Any]:
    """Return each class or function with one name that it needs, for `parametrize`."""
    return [(owner, name) for owner, names in needed for name in names]


def without(owner: Any) -> Any:
    """Return a class or function of the same name that has or uses nothing."""
    if isinstance(owner, type):
        return type(owner.__name__, (), {"__qualname__": owner.__qualname__})

    def empty() -> None: ...

    empty.__qualname__ = owner.__qualname__
    return empty
