"""Names of detectors, their parameters, and the defaults for standardised series."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from detectors import adwin, page_hinkley
from detectors.bank import Bank
from detectors.base import Detector
from detectors.errors import UnknownDetectorError
from detectors.params import Param, Value, check_params


@dataclass(frozen=True, slots=True)
class Entry:
    """One detector.

    Attributes
    ----------
    name
        As in a config.
    detector, bank
        The classes: one series a value at a time; many series at once.
    params
        The schema, by name.
    monitoring
        What series standardised by `Standardiser` use unless told otherwise:
        every parameter, chosen by simulation, see docs/false-alarms.md.
    """

    name: str
    detector: Callable[..., Detector]
    bank: Callable[..., Bank]
    params: Mapping[str, Param]
    monitoring: Mapping[str, Value]


def _entry(
    name: str,
    classes: tuple[Callable[..., Detector], Callable[..., Bank]],
    params: tuple[Param, ...],
    monitoring: Mapping[str, Value],
) -> Entry:
    schema = {param.name: param for param in params}
    full = {param.name: param.default for param in params} | dict(monitoring)
    return Entry(name, *classes, MappingProxyType(schema), MappingProxyType(full))


_ENTRIES = {
    entry.name: entry
    for entry in (
        _entry(
            "adwin",
            (adwin.ADWIN, adwin.ADWINBank),
            adwin.PARAMS,
            # A check every 16 values costs 4 ns a value more than every 32 and saves 8 of delay.
            {"delta": 2e-6, "clock": 16},
        ),
        _entry(
            "page_hinkley",
            (page_hinkley.PageHinkley, page_hinkley.PageHinkleyBank),
            page_hinkley.PARAMS,
            # With forgetting (alpha < 1) false alarms become certain, see `PageHinkley`.
            {"delta": 0.25, "threshold": 42.0, "alpha": 1.0},
        ),
    )
}


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
