"""The run length of a detector with given parameters, and the parameters for a run length."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.params import Value
from streamproc.detectors.runtime.run_length import ParamResolver, table, threshold

SHORT: Final = 1e4
"""A run length, in values, for which no theory is cut off at the end of a range."""


def known_run_length(resolver: ParamResolver, params: Mapping[str, Value]) -> float | None:
    """Return how many values pass on average until a false alarm, as far as that is known.

    Parameters
    ----------
    resolver
        How the detector's parameters are completed.
    params
        All of its parameters.

    Returns
    -------
    float or None
        By theory, by the table, or as measured for the default. A threshold beyond the table has
        the run length of the table's end, which is less than its own. None: not known, as there is
        no table, or the table was made with other parameters.
    """
    knob = resolver.knob
    if knob is None or not _calibrated(resolver, params):
        return None
    now = float(params[knob.name])
    if knob.measured is not None and now == knob.measured[0]:
        return knob.measured[1]
    if knob.theory is not None:
        return rounded(SHORT * knob.theory(SHORT, params) / now)  # in proportion to 1 / arl
    known = table(resolver.name)
    if known is None:
        return None
    return min(rounded(float(np.exp(_of_knob(known.knob, known.arl, now)))), known.arl[-1])


def at_run_length(
    resolver: ParamResolver, params: Mapping[str, Value], arl: float
) -> dict[str, Value]:
    """Return the parameters with the threshold of a run length, within the calibrated ones.

    Raises
    ------
    ParameterError
        If the detector is not calibrated, or not for `arl`.
    """
    knob = resolver.knob
    wanted = rounded(threshold(resolver.name, knob, arl, params))
    assert knob is not None  # noqa: S101 - else that has raised
    return turned(resolver, params, wanted)


def turned(resolver: ParamResolver, params: Mapping[str, Value], wanted: float) -> dict[str, Value]:
    """Return the parameters with another value of the knob; what is tied to it keeps its ratio."""
    knob = resolver.knob
    if knob is None:
        return dict(params)
    allowed, now = resolver.params[knob.name], float(params[knob.name])
    changed: dict[str, Value] = {knob.name: min(max(wanted, allowed.low), allowed.high)}
    if knob.tied:
        tied = resolver.params[knob.tied]
        level = rounded(float(params[knob.tied]) * float(changed[knob.name]) / now)
        changed[knob.tied] = min(max(level, tied.low), tied.high)
    return dict(params) | changed


def rounded(value: float) -> float:
    """Round to nine digits: the last bits must not depend on a machine's logarithm."""
    return float(f"{value:.9g}")


def along(knob: Sequence[float], arl: Sequence[float], now: float, factor: float) -> float:
    """Return the knob for a run length that is `factor` times that of the knob `now`."""
    places, lengths = np.log(knob), np.log(arl)
    length = _of_knob(knob, arl, now)
    if length >= lengths[-1]:
        return now
    return float(np.exp(_line(min(length + np.log(factor), lengths[-1]), lengths, places)))


def _calibrated(resolver: ParamResolver, params: Mapping[str, Value]) -> bool:
    """Whether all parameters but the threshold are those of the calibration."""
    knob = resolver.knob
    assert knob is not None  # noqa: S101 - as checked by the caller
    varies = {knob.name, knob.tied, *knob.free}
    return all(
        value == resolver.monitoring[name] for name, value in params.items() if name not in varies
    )


def _of_knob(knob: Sequence[float], arl: Sequence[float], now: float) -> float:
    """Return the logarithm of the run length of a value of the knob, along the table's lines."""
    places, lengths = np.log(knob), np.log(arl)
    sign = 1.0 if places[0] < places[-1] else -1.0
    return _line(sign * float(np.log(now)), sign * places, lengths)


def _line(at: float, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Interpolate over increasing `x`; before its first value along the first piece."""
    right = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
    left = right - 1
    return float(y[left] + (at - x[left]) * (y[right] - y[left]) / (x[right] - x[left]))
