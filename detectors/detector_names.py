"""Names of detectors that watch a series together, and whether they watch categories."""

from collections.abc import Mapping

from streamproc.detectors import registry
from streamproc.detectors.errors import ParameterError


def registered(name: str) -> str:
    """Return the registered name; what follows a ``#`` tells two of one name apart."""
    return name.partition("#")[0]


def of_categories(detectors: Mapping[str, object]) -> bool:
    """Whether the detectors are of categories: all or none.

    Raises
    ------
    ParameterError
        If some are and some are not.
    """
    of = [name for name in detectors if registry.get(registered(name)).family == "category"]
    if of and len(of) < len(detectors):
        others = ", ".join(name for name in detectors if name not in of)
        msg = f"detectors: {', '.join(of)} watch categories, and {others} numbers"
        raise ParameterError(msg)
    return bool(of)
