"""Make the false alarms of a detector rarer by a factor, whatever its threshold is now."""

from collections.abc import Mapping

from streamproc.detectors.runtime.known_run_length import SHORT, along, rounded, turned
from streamproc.detectors.runtime.params import Value
from streamproc.detectors.runtime.run_length import ARL, ParamResolver, table


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
        arl = SHORT * knob.theory(SHORT, params) / now  # the knob is in proportion to 1 / arl
        wanted = now * arl / max(arl, min(arl * factor, ARL.high))
    else:
        known = table(resolver.name)
        wanted = now if known is None else along(known.knob, known.arl, now, factor)
    if wanted == now:
        return dict(params)
    return turned(resolver, params, rounded(wanted))
