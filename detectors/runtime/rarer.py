"""Make the false alarms of a detector rarer by a factor, whatever its threshold is now."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.params import Value
from streamproc.detectors.runtime.run_length import ARL, ParamResolver, table

_SHORT: Final = 1e4  # a run length for which no theory is cut off at the end of a range


def rarer(resolver: ParamResolver, params: Mapping[str, Value], factor: float) -> dict[str, Value]:
    """Return parameters with which the run length until a false alarm is longer.

    Parameters
    ----------
    resolver
        How the detector's parameters are completed.
    params
        All of its parameters.
    factor
        How many times as long, 1 or more.

    Returns
    -------
    dict
        All parameters. They are the same for a detector whose run lengths are not known, or as long
        as the tables reach, 10⁷ values; no run length is made longer than that.
    """
    knob = resolver.knob
    if knob is None:
        return dict(params)
    now = float(params[knob.name])
    if knob.theory is not None:
        arl = _SHORT * knob.theory(_SHORT, params) / now  # the knob is in proportion to 1 / arl
        wanted = now * arl / max(arl, min(arl * factor, ARL.high))
    else:
        known = table(resolver.name)
        wanted = now if known is None else _along(known.knob, known.arl, now, factor)
    if wanted == now:
        return dict(params)
    # Parameters are part of alert ids: their last bits must not depend on a machine's logarithm.
    allowed, wanted = resolver.params[knob.name], float(f"{wanted:.9g}")
    changed: dict[str, Value] = {knob.name: min(max(wanted, allowed.low), allowed.high)}
    if knob.tied:  # keeps its ratio to the knob
        tied = resolver.params[knob.tied]
        level = float(f"{float(params[knob.tied]) * float(changed[knob.name]) / now:.9g}")
        changed[knob.tied] = min(max(level, tied.low), tied.high)
    return dict(params) | changed


def _along(knob: Sequence[float], arl: Sequence[float], now: float, factor: float) -> float:
    """Return the knob for a run length that is `factor` times that of the knob `now`."""
    places, lengths = np.log(knob), np.log(arl)
    sign = 1.0 if places[0] < places[-1] else -1.0
    length = _line(sign * np.log(now), sign * places, lengths)
    if length >= lengths[-1]:
        return now
    return float(np.exp(_line(min(length + np.log(factor), lengths[-1]), lengths, places)))


def _line(at: float, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Interpolate over increasing `x`; before its first value along the first piece."""
    right = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
    left = right - 1
    return float(y[left] + (at - x[left]) * (y[right] - y[left]) / (x[right] - x[left]))
