"""Names of detectors, their parameters, and the defaults for standardised series."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank
from detectors.base import Detector
from detectors.errors import ParameterError, UnknownDetectorError
from detectors.page_hinkley import MODES, PageHinkley, PageHinkleyBank

Value = int | float | str


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its type, range and meaning.

    Attributes
    ----------
    name, description
        What it is called and what it does.
    kind
        `int`, `float` or `str`; an int is accepted for a float.
    default
        The class's own default, for raw values.
    low, high
        Smallest and largest number allowed.
    above, below
        Whether `low` itself, or `high` itself, is refused.
    choices
        Strings allowed.
    """

    name: str
    kind: type[int] | type[float] | type[str]
    default: Value
    description: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """The range in words, for messages and docs."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        left, right = "(" if self.above else "[", ")" if self.below else "]"
        high = "∞)" if self.high == math.inf else f"{self.high:g}{right}"
        return f"{self.kind.__name__} in {left}{self.low:g}, {high}"

    def check(self, value: object) -> Value:
        """Return the value in this parameter's type.

        Raises
        ------
        ParameterError
            If type or range is wrong.
        """
        if self.choices:
            fits = isinstance(value, str) and value in self.choices
        elif isinstance(value, bool) or not isinstance(value, int | float):
            fits = False
        else:
            fits = (
                (self.kind is float or isinstance(value, int))
                and math.isfinite(value)
                and (value > self.low if self.above else value >= self.low)
                and (value < self.high if self.below else value <= self.high)
            )
        if not fits:
            msg = f"{self.name}: expected {self.allowed}, got {value!r}"
            raise ParameterError(msg)
        return self.kind(value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Entry:
    """One detector.

    Attributes
    ----------
    name
        As in a config.
    detector, bank
        One series a value at a time; many series at once.
    params
        The schema, by name.
    monitoring
        What series standardised by `Standardiser` use unless told otherwise:
        chosen by simulation, see docs/false-alarms.md.
    """

    name: str
    detector: type[Detector]
    bank: type[Bank]
    params: Mapping[str, Param]
    monitoring: Mapping[str, Value]


def _entry(
    name: str,
    detector: type[Detector],
    bank: type[Bank],
    params: tuple[Param, ...],
    monitoring: dict[str, Value],
) -> Entry:
    schema = {param.name: param for param in params}
    full = {param.name: param.default for param in params} | monitoring
    return Entry(name, detector, bank, MappingProxyType(schema), MappingProxyType(full))


_ENTRIES = {
    entry.name: entry
    for entry in (
        _entry(
            "adwin",
            ADWIN,
            ADWINBank,
            (
                Param(
                    "delta",
                    float,
                    0.002,
                    "confidence: smaller, fewer false alarms, later true ones",
                    0.0,
                    1.0,
                    above=True,
                    below=True,
                ),
                Param("clock", int, 32, "values between two checks", 1, 1_000_000),
                Param(
                    "max_buckets",
                    int,
                    5,
                    "buckets of one size: more, finer cuts and more memory",
                    2,
                    64,
                ),
                Param(
                    "min_window_length", int, 5, "shortest part compared, in values", 1, 1_000_000
                ),
                Param("grace_period", int, 10, "values before the first check", 0, 1_000_000_000),
            ),
            {"delta": 2e-6, "clock": 16},
        ),
        _entry(
            "page_hinkley",
            PageHinkley,
            PageHinkleyBank,
            (
                Param("min_instances", int, 30, "values before the first alarm", 1, 1_000_000_000),
                Param(
                    "delta", float, 0.005, "change of the mean that is ignored, in deviations", 0.0
                ),
                Param("threshold", float, 50.0, "sum of deviations that alarms", 0.0),
                Param(
                    "alpha",
                    float,
                    1 - 0.0001,
                    "forgetting of the sum; 1 forgets nothing",
                    0.0,
                    1.0,
                    above=True,
                ),
                Param("mode", str, "both", "direction that alarms", choices=MODES),
            ),
            {"delta": 0.25, "threshold": 42.0, "alpha": 1.0},
        ),
    )
}


def names() -> tuple[str, ...]:
    """Names of all detectors, in their fixed order."""
    return tuple(_ENTRIES)


def get(name: str) -> Entry:
    """Look a detector up.

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
    full = dict(entry.monitoring)
    for key, value in params.items():
        if key not in entry.params:
            msg = f"{name}.{key}: unknown; {name} has {', '.join(entry.params)}"
            raise ParameterError(msg)
        try:
            full[key] = entry.params[key].check(value)
        except ParameterError as error:
            msg = f"{name}.{error}"
            raise ParameterError(msg) from None
    return full
