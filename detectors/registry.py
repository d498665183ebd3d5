"""Names of detectors, their parameters, and the defaults for standardised series."""

from collections.abc import Mapping

from detectors import (
    adwin,
    category_psi,
    chi2,
    cvm,
    g_test,
    hellinger,
    jensen_shannon,
    ks,
    kswin,
    page_hinkley,
    psi,
    variance,
    wasserstein,
)
from detectors.entry import Entry
from detectors.errors import UnknownDetectorError
from detectors.params import Value, check_params

# One line a module, in the order in which they are listed.
_MODULES = (
    adwin,
    page_hinkley,
    category_psi,
    chi2,
    cvm,
    g_test,
    hellinger,
    jensen_shannon,
    ks,
    kswin,
    psi,
    variance,
    wasserstein,
)
_ENTRIES: dict[str, Entry] = {module.ENTRY.name: module.ENTRY for module in _MODULES}


def names() -> tuple[str, ...]:
    """Names of all detectors, in their fixed order."""
    return tuple(_ENTRIES)


def get(name: str) -> Entry:
    """Look a detector up.

    Parameters
    ----------
    name
        As in a config.

    Raises
    ------
    UnknownDetectorError
        If there is none of that name; the message lists those that exist.
    """
    if name not in _ENTRIES:
        msg = f"detector {name!r}: unknown; there are {', '.join(_ENTRIES)}"
        raise UnknownDetectorError(msg)
    return _ENTRIES[name]


def resolve(name: str, params: Mapping[str, object]) -> dict[str, Value]:
    """Complete some parameters with the defaults for standardised series.

    Parameters
    ----------
    name
        Of the detector.
    params
        What differs from the defaults.

    Returns
    -------
    dict
        Every parameter of the detector.

    Raises
    ------
    UnknownDetectorError
        If there is no such detector.
    ParameterError
        If a parameter is unknown, of the wrong type or out of its range.

    Examples
    --------
    >>> from detectors import registry
    >>> registry.resolve("page_hinkley", {"threshold": 20})["threshold"]
    20.0
    """
    entry = get(name)
    given = check_params(name, tuple(entry.params.values()), params)
    return dict(entry.monitoring) | given
