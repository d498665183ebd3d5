"""Names of detectors, their parameters, and the defaults for standardised series."""

from collections.abc import Mapping

from detectors import (
    adapter,
    adwin,
    bocpd,
    cusum,
    ddm,
    e_detector,
    ecdd,
    eddm,
    ewma,
    fhddm,
    focus,
    gma,
    hddm_a,
    hddm_w,
    page_hinkley,
    rddm,
    seed,
    shiryaev_roberts,
    stepd,
)
from detectors.entry import Entry
from detectors.errors import UnknownDetectorError
from detectors.params import Value, check_params

# One line a module, in the order in which they are listed.
_MODULES = (
    adwin,
    page_hinkley,
    cusum,
    e_detector,
    ewma,
    focus,
    gma,
    seed,
    shiryaev_roberts,
    bocpd,
    ddm,
    ecdd,
    eddm,
    fhddm,
    hddm_a,
    hddm_w,
    rddm,
    stepd,
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
        As in a config; `river:<class>` is one of River's own, see `adapter`.

    Raises
    ------
    UnknownDetectorError
        If there is none of that name; the message lists those that exist.
    """
    if name.startswith(adapter.PREFIX):
        return adapter.get(name)
    if name not in _ENTRIES:
        msg = f"detector {name!r}: unknown; there are {', '.join(names() + adapter.names())}"
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
        If a parameter is unknown, of the wrong type or out of its range, or
        does not go with another.

    Examples
    --------
    >>> from detectors import registry
    >>> registry.resolve("page_hinkley", {"threshold": 20})["threshold"]
    20.0
    """
    entry = get(name)
    given = check_params(name, tuple(entry.params.values()), params)
    complete = dict(entry.monitoring) | given
    # Parameters that contradict each other are known only to the detector.
    entry.bank(0, **complete)
    return complete
