"""Names of detectors, their parameters, and the defaults for standardised series."""

from collections.abc import Mapping

from streamproc.detectors.binary import ddm, ecdd, eddm, fhddm, hddm_a, hddm_w, rddm, stepd
from streamproc.detectors.categorical import category_psi, chi2, g_test
from streamproc.detectors.distribution import (
    cvm,
    hellinger,
    jensen_shannon,
    ks,
    kswin,
    psi,
    variance,
    wasserstein,
)
from streamproc.detectors.errors import UnknownDetectorError
from streamproc.detectors.mean import (
    adwin,
    bocpd,
    cusum,
    e_detector,
    ewma,
    focus,
    gma,
    mixture,
    page_hinkley,
    seed,
    shiryaev_roberts,
)
from streamproc.detectors.river import bank
from streamproc.detectors.runtime import known_run_length
from streamproc.detectors.runtime.params import Value
from streamproc.detectors.runtime.rarer import rarer as runtime_rarer
from streamproc.detectors.runtime.run_length import ARL
from streamproc.detectors.runtime.run_length import span as arl_span
from streamproc.detectors.spec import Entry

DEFAULT = ("mixture", "page_hinkley")
"""Names of the detectors that watch numbers by default: docs/scoreboard.md has why."""

# One line a module, in the order in which they are listed.
_MODULES = (
    adwin,
    page_hinkley,
    bocpd,
    cusum,
    e_detector,
    ewma,
    focus,
    gma,
    mixture,
    seed,
    shiryaev_roberts,
    ddm,
    ecdd,
    eddm,
    fhddm,
    hddm_a,
    hddm_w,
    rddm,
    stepd,
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
        As in a config; `river:<class>` is one of River's own, see `adapter`.

    Raises
    ------
    UnknownDetectorError
        If there is none of that name; the message lists those that exist.
    """
    if name.startswith(bank.PREFIX):
        return bank.get(name)
    if name not in _ENTRIES:
        msg = f"detector {name!r}: unknown; there are {', '.join(names() + bank.names())}"
        raise UnknownDetectorError(msg)
    return _ENTRIES[name]


def resolve(name: str, params: Mapping[str, object]) -> dict[str, Value]:
    """Complete some parameters with the defaults for standardised series.

    Parameters
    ----------
    name
        Of the detector.
    params
        What differs from the defaults; `arl`, expected values until a false
        alarm, in the place of the detector's threshold.

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
        does not go with another, `arl` among them; see `Choice.complete`.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> registry.resolve("page_hinkley", {"threshold": 20})["threshold"]
    20.0
    """
    entry = get(name)
    complete = entry.complete(params)
    # Parameters that contradict each other are known only to the detector.
    entry.bank(0, **complete)
    return complete


def rarer(name: str, params: Mapping[str, Value], factor: float) -> dict[str, Value]:
    """Return parameters with which a detector runs `factor` times as long until a false alarm.

    No longer than the tables reach, 10⁷ values: one that does already keeps its parameters.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> params = registry.resolve("page_hinkley", {"arl": 1e4})
    >>> rarer = registry.rarer("page_hinkley", params, 10)
    >>> round(params["threshold"], 1), round(rarer["threshold"], 1)
    (17.5, 23.7)
    """
    return runtime_rarer(get(name).choice, params, factor)


def run_length(name: str, params: Mapping[str, Value]) -> float | None:
    """Return how many values a detector runs until a false alarm; None if that is not known.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> registry.run_length("page_hinkley", registry.resolve("page_hinkley", {"arl": 1e4}))
    10000.0
    >>> print(registry.run_length("page_hinkley", registry.resolve("page_hinkley", {"delta": 0.1})))
    None
    """
    return known_run_length.known_run_length(get(name).choice, params)


def run_length_span(name: str) -> tuple[float, float] | None:
    """Return the shortest and the longest run length that a detector can be set to, if any.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> registry.run_length_span("mixture")
    (100.0, 10000000.0)
    """
    return arl_span(name, get(name).knob)


def is_tunable(name: str) -> bool:
    """Whether the threshold of a detector may change while it runs.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> registry.is_tunable("mixture"), registry.is_tunable("hddm_a")
    (True, False)
    """
    knob = get(name).knob
    return knob is not None and knob.tunable


def at_run_length(name: str, params: Mapping[str, Value], arl: float) -> dict[str, Value]:
    """Return the parameters of a detector with the threshold of a run length.

    Raises
    ------
    ParameterError
        If the run length is not within `run_length_span`.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> params = registry.resolve("page_hinkley", {"mode": "up"})
    >>> found = registry.at_run_length("page_hinkley", params, 1e4)
    >>> found["mode"], round(found["threshold"], 1)
    ('up', 17.5)
    """
    return known_run_length.at_run_length(get(name).choice, params, arl)


def is_default(name: str, params: Mapping[str, Value]) -> bool:
    """Whether the threshold of a detector is the one that it has by default.

    Examples
    --------
    >>> from streamproc.detectors import registry
    >>> registry.is_default("chi2", registry.resolve("chi2", {"stride": 5}))
    True
    >>> registry.is_default("chi2", registry.resolve("chi2", {"arl": 1e4}))
    False
    """
    knob = get(name).knob
    if knob is None:
        return True
    others = {each: value for each, value in params.items() if each not in {knob.name, knob.tied}}
    return bool(get(name).complete(others)[knob.name] == params[knob.name])


def accepts(name: str) -> tuple[str, ...]:
    """List the parameters that a config may give a detector, `arl` among them if it takes it."""
    entry = get(name)
    return (*entry.params, *((ARL.name,) if arl_span(name, entry.knob) else ()))
