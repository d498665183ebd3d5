"""What the registry knows of a detector: its classes, its parameters, and what they are for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from streamproc.detectors.bank import Bank
from streamproc.detectors.base import Detector
from streamproc.detectors.runtime.params import Param, Value
from streamproc.detectors.runtime.run_length import CHOICES, ParamResolver, ThresholdParam

Family = Literal["mean", "error", "distribution", "category"]
"""What a detector looks at: a mean or a rate, a stream of errors (0 or 1), a distribution of
numbers, or one of codes of categories, which must not be standardised."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One detector.

    Attributes
    ----------
    name
        As in a config.
    family
        What it looks at.
    detector, bank
        The classes: one series a value at a time; many series at once.
    params
        The schema, by name.
    monitoring
        What series standardised by `Standardiser` use by default:
        every parameter, chosen by simulation, see docs/false-alarms.md. `arl`
        among them: the knob is the one that gives this run length.
    knob
        The parameter that trades false alarms for delay, which `arl` stands
        for; None if there is no such one.
    """

    name: str
    family: Family
    detector: Callable[..., Detector]
    bank: Callable[..., Bank]
    params: Mapping[str, Param]
    monitoring: Mapping[str, Value]
    knob: ThresholdParam | None = None

    def complete(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Complete some parameters with those for standardised series, see `ParamResolver`."""
        return self.choice.complete(given)

    @property
    def choice(self) -> ParamResolver:
        """How parameters are completed."""
        return ParamResolver(self.name, self.params, self.monitoring, self.knob)


def entry(
    name: str,
    family: Family,
    classes: tuple[Callable[..., Detector], Callable[..., Bank]],
    params: tuple[Param, ...],
    monitoring: Mapping[str, Value],
    knob: ThresholdParam | None = None,
) -> Entry:
    """Make an entry; `monitoring` has only what differs from the class's own defaults."""
    schema = {param.name: param for param in params}
    full = {param.name: param.default for param in params} | dict(monitoring)
    for built in classes:  # the first entry of a class is its module's: another changes nothing
        CHOICES.setdefault(built, ParamResolver(name, schema, full, knob))
    return Entry(name, family, *classes, MappingProxyType(schema), MappingProxyType(full), knob)
