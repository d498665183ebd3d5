"""Choose run lengths of detectors so that all of them together keep to a budget."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from streamproc.config.detector_spec import DetectorSpec
from streamproc.detectors import registry

_PER_DECADE: Final = 16
LEVELS: Final = tuple(float(f"{10.0 ** (4 + k / _PER_DECADE):.3g}") for k in range(65))
"""Run lengths to choose from, 10⁴ to 10⁸ values, in steps that small changes of the traffic do not
take. Shorter ones would find a change of one deviation hardly sooner: docs/false-alarms.md."""


@dataclass(frozen=True, slots=True)
class RunLengths:
    """The run lengths, in values, that a configured detector may be set to.

    Attributes
    ----------
    configured
        With the parameters of the configuration; NaN if it is not known.
    low
        The shortest: where calibration begins, for a threshold that is the default; else the
        configured one.
    high
        Where calibration ends; as `configured` for a detector that cannot be tuned, or is
        stricter by configuration.
    """

    configured: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether false alarms of the detector can be counted."""
        return not math.isnan(self.configured)

    def at(self, level: float | None) -> float:
        """Return the run length that the detector has at a level; None: as configured.

        Beyond the end of its calibration it is as configured, if that is stricter than the end.

        Examples
        --------
        >>> RunLengths(configured=1e6, low=1e3, high=1e7).at(1e5)
        100000.0
        >>> RunLengths(configured=5e7, low=1e3, high=1e7).at(2e7)
        50000000.0
        """
        if level is None or self.low >= self.high:
            return self.configured
        if level > self.high:
            return max(self.configured, self.high)
        return max(level, self.low)


def run_lengths(spec: DetectorSpec) -> RunLengths:
    """Return the run lengths that a detector may be set to.

    Examples
    --------
    >>> run_lengths(DetectorSpec.model_validate("mixture"))
    RunLengths(configured=50000000.0, low=100.0, high=10000000.0)
    >>> run_lengths(DetectorSpec.model_validate({"mixture": {"arl": 1e5}}))
    RunLengths(configured=100000.0, low=100000.0, high=10000000.0)
    """
    configured = registry.run_length(spec.name, spec.params)
    if configured is None:
        return RunLengths(math.nan, math.nan, math.nan)
    span = registry.run_length_span(spec.name)
    if span is None or not registry.is_tunable(spec.name):
        return RunLengths(configured, configured, configured)
    low = span[0] if registry.is_default(spec.name, spec.params) else configured
    return RunLengths(configured, low, span[1])


def params_at(spec: DetectorSpec, lengths: RunLengths, level: float | None) -> dict[str, Any]:
    """Return the parameters of a detector at a level; None: as configured."""
    wanted = lengths.at(level)
    if not lengths.known or wanted == lengths.configured:
        return spec.params
    return registry.at_run_length(spec.name, spec.params, wanted)


class Choice(NamedTuple):
    """What keeps to a budget, or comes nearest to it.

    Attributes
    ----------
    level
        Run length of all detectors, as far as each can be set to it.
    expected
        False alarms a week with it, of the detectors whose run lengths are known.
    """

    level: float
    expected: float


def expected(watched: Sequence[tuple[float, RunLengths]], level: float | None) -> float:
    """Return how many false alarms a week are expected at a level.

    Parameters
    ----------
    watched
        Values a week that each detector reads, of all series together, and its run lengths.
    level
        As in `RunLengths.at`.

    Notes
    -----
    The sum over all detectors of values over run length bounds the expected number of false alarms
    however series and detectors depend on each other (Bonferroni).
    """
    return math.fsum(values / each.at(level) for values, each in watched if each.known)


def choose(watched: Sequence[tuple[float, RunLengths]], share: float) -> Choice:
    """Choose the shortest run length with which no more false alarms than `share` are expected.

    If there is none, the longest that calibration allows.

    Examples
    --------
    >>> lengths = RunLengths(configured=5e7, low=100.0, high=1e7)
    >>> choose([(1e6, lengths), (1e6, lengths)], share=1.0)
    Choice(level=2050000.0, expected=0.975609756097561)
    """
    place = bisect_left(LEVELS, -share, key=lambda level: -expected(watched, level))
    level = LEVELS[min(place, len(LEVELS) - 1)]
    return Choice(level, expected(watched, level))
