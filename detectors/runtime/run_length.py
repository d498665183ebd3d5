"""`arl=`: how many values until a false alarm, in the place of a raw threshold.

The threshold comes from theory where a detector's entry names one, else from a
table of simulated run lengths in `detectors/tables`, which
`python -m streamproc.detectors.evaluation.calibration --rebuild` makes again.
"""

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any, TypedDict

import numpy as np

from streamproc.detectors.errors import ParameterError
from streamproc.detectors.runtime.params import Param, Value, check_params

ARL = Param(
    "arl",
    1e6,
    "expected values until a false alarm, in place of the threshold",
    low=1e2,
    high=1e7,
)


Theory = Callable[[float, Mapping[str, Value]], float]


BY_ARL: Mapping[str, Value] = MappingProxyType({ARL.name: ARL.default})
"""Monitoring values of a detector whose knob is found from the default run length."""


@dataclass(frozen=True, slots=True)
class ThresholdParam:
    """The one parameter of a detector that trades false alarms for delay.

    Attributes
    ----------
    name
        Of the parameter.
    loose, strict
        Values, above 0, between which a rebuild looks: run lengths below 100 at
        one end and above `reach` at the other.
    reach
        Longest run length that is simulated, in values; beyond it the table
        goes on along its last decade. Less for detectors that take long.
    theory
        (arl, all other parameters) → value of the parameter, where a theorem
        gives it; None: the table. What is simulated then serves comparisons.
    free
        Parameters that may differ from those for monitoring, because they can
        only make false alarms rarer or leave them as they are, or because the
        theorem takes them into account.
    tied
        A parameter that keeps its ratio to the knob, such as the level that
        warns, which must not be beyond the one that alarms; empty: none.
    measured
        A value of the parameter beyond the table, and the run length that it has on the worst of
        twelve kinds of series, through the pipeline: docs/false-alarms.md. None: there is none.
    tunable
        Whether it may change while a series is watched. Not where it is part of what a detector
        remembers, such as the place of the best cut.
    """

    name: str
    loose: float
    strict: float
    reach: float = 2e6
    theory: Theory | None = None
    free: tuple[str, ...] = ()
    tied: str = ""
    measured: tuple[float, float] | None = None
    tunable: bool = True


def by_comparison(params: tuple[Param, ...]) -> ThresholdParam:
    """Make the knob of a test that alarms by chance in `alpha` of its comparisons.

    Parameters
    ----------
    params
        Of the detector, `alpha` and `stride`, values between two comparisons, among them.

    Notes
    -----
    However comparisons depend on each other, one of the first N alarms with
    probability N · alpha or less. So N exceeds 1 / (2 alpha) on average (the sum of
    what is left, 1 - N · alpha, up to 1 / alpha), and `stride` times as many values
    pass. Whatever the other parameters are, this holds.
    """
    highest = next(param.high for param in params if param.name == "alpha")

    def alpha(arl: float, others: Mapping[str, Value]) -> float:
        return min(highest, float(others["stride"]) / (2.0 * arl))

    free = tuple(param.name for param in params if param.name != "alpha")
    return ThresholdParam("alpha", loose=0.5, strict=1e-8, reach=1e5, theory=alpha, free=free)


@dataclass(frozen=True, slots=True)
class RunLengths:
    """A table: run lengths, and the values of the knob that give them.

    Attributes
    ----------
    knob, arl
        Increasing run lengths, and the knob for each.
    parameters
        All others, as in the simulation.
    """

    knob: tuple[float, ...]
    arl: tuple[float, ...]
    parameters: Mapping[str, Value]

    def at(self, arl: float) -> float:
        """Interpolate log knob over log run length; `arl` must be within the table."""
        return float(np.exp(np.interp(np.log(arl), np.log(self.arl), np.log(self.knob))))


@functools.cache
def table(name: str) -> RunLengths | None:
    """Read the table of a detector, None if it has none."""
    path = resources.files("streamproc.detectors") / "tables" / f"{name}.json"
    if not path.is_file():
        return None
    data = json.loads(path.read_text("utf-8"))
    return RunLengths(tuple(data["knob"]), tuple(data["arl"]), data["parameters"])


def span(name: str, knob: ThresholdParam | None) -> tuple[float, float] | None:
    """Smallest and largest `arl` that a detector takes, None if it takes none."""
    if knob is None:
        return None
    if knob.theory is not None:
        return ARL.low, ARL.high
    known = table(name)
    return None if known is None else (max(ARL.low, known.arl[0]), min(ARL.high, known.arl[-1]))


def threshold(
    name: str, knob: ThresholdParam | None, arl: object, others: Mapping[str, Value]
) -> float:
    """Find the value of the knob that gives a run length, `others` being all other parameters.

    Raises
    ------
    ParameterError
        If the detector has no calibration, or `arl` lies outside of it; the
        message says which values are possible.
    """
    limits = span(name, knob)
    if knob is None or limits is None:
        msg = f"{name}.arl: {name} has no table of run lengths; give its own parameters"
        raise ParameterError(msg)
    number = isinstance(arl, int | float) and not isinstance(arl, bool)
    if not number or not limits[0] <= arl <= limits[1]:  # type: ignore[operator]
        msg = f"{name}.arl: expected float in [{limits[0]:g}, {limits[1]:g}], got {arl!r}"
        raise ParameterError(msg)
    wanted = float(arl)  # type: ignore[arg-type]
    if knob.theory is not None:
        return knob.theory(wanted, others)
    known = table(name)
    assert known is not None  # noqa: S101 - else it would have no span
    return known.at(wanted)


@dataclass(frozen=True, slots=True)
class ParamResolver:
    """How a detector's parameters are completed.

    Attributes
    ----------
    name
        Of the detector, for messages.
    params
        Its schema.
    monitoring
        Its values for standardised series; `arl` among them instead of the
        knob where the default is by calibration.
    knob
        The parameter that `arl` stands for.
    """

    name: str
    params: Mapping[str, Param]
    monitoring: Mapping[str, Value]
    knob: ThresholdParam | None

    def complete(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Complete some parameters with those for standardised series.

        Parameters
        ----------
        given
            What differs, `arl` among it or not.

        Returns
        -------
        dict
            Every parameter of the detector; `arl` turned into its knob.

        Raises
        ------
        ParameterError
            If one is unknown, of the wrong type or out of its range; if `arl`
            and its knob are both given; if neither the knob is given nor does
            the table hold for another parameter.
        """
        others = {name: value for name, value in given.items() if name != ARL.name}
        checked = check_params(self.name, tuple(self.params.values()), others)
        full = dict(self.monitoring) | checked
        arl: object = full.pop(ARL.name, None)
        if ARL.name in given:
            arl = given[ARL.name]
        elif self.knob is not None and self.knob.name in checked:
            arl = None
        if arl is not None:
            self._refuse_unfit(checked)
            full |= self.turned(threshold(self.name, self.knob, arl, full))
        return {name: full[name] for name in self.params}

    def turned(self, value: float) -> dict[str, Value]:
        """Set the knob, and what is tied to it, from the monitoring values."""
        knob = self.knob
        if knob is None:
            return {}
        turned = {knob.name: self.params[knob.name].check(value)}
        if knob.tied:
            tied = self.params[knob.tied]
            ratio = float(self.monitoring[knob.tied]) / float(self.monitoring[knob.name])
            turned[knob.tied] = tied.check(min(max(value * ratio, tied.low), tied.high))
        return turned

    def _refuse_unfit(self, given: Mapping[str, Value]) -> None:
        """Refuse what `arl` cannot go with."""
        if self.knob is None:
            return
        if self.knob.name in given:
            msg = f"{self.name}.arl: stands for {self.knob.name}; give one of them, not both"
            raise ParameterError(msg)
        for name, value in given.items():
            if name not in self.knob.free and value != self.monitoring[name]:
                msg = (
                    f"{self.name}.{name}: run lengths are known for {self.monitoring[name]!r} "
                    f"alone; leave it out, or give {self.knob.name} itself"
                )
                raise ParameterError(msg)


class ByArl(TypedDict, total=False):
    """What a constructor takes beside its own parameters, for type checkers."""

    arl: float | None


CHOICES: dict[object, ParamResolver] = {}
"""Class → how its parameters are completed; filled as entries are made."""


class TakesArl:
    """Base of classes whose constructor takes `arl=` in the place of a threshold.

    Notes
    -----
    With `arl` all that is not given is as for monitoring, since the table holds
    for these values alone; without it the class's own defaults count.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the constructor take `arl`, if the class defines one."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _by_arl(cls.__init__)  # type: ignore[method-assign]


def _by_arl(build: Callable[..., None]) -> Callable[..., None]:
    shown = inspect.signature(build)
    own = [param for param in shown.parameters.values() if param.name != "_"]
    names = tuple(param.name for param in own if param.kind is not param.VAR_KEYWORD)
    closed = len(own) == len(names)

    @functools.wraps(build)
    def init(self: object, *args: Any, arl: float | None = None, **kwargs: Any) -> None:
        odd = sorted(kwargs.keys() - set(names))
        if closed and odd:  # as Python does, but `**_: Unpack[ByArl]` would let it pass
            msg = f"{build.__qualname__}() got an unexpected keyword argument {odd[0]!r}"
            raise TypeError(msg)
        if arl is None:
            build(self, *args, **kwargs)
            return
        if type(self) not in CHOICES:
            msg = f"{type(self).__name__}.arl: it is in no registry; give its own parameters"
            raise ParameterError(msg)
        given = dict(zip(names[1:], args, strict=False)) | kwargs
        size = {"size": given.pop("size")} if "size" in given else {}
        build(self, **size, **CHOICES[type(self)].complete(given | {"arl": arl}))

    if closed:
        by = inspect.Parameter(ARL.name, inspect.Parameter.KEYWORD_ONLY, default=None)
        init.__signature__ = shown.replace(parameters=[*own, by])  # type: ignore[attr-defined]
    return init
