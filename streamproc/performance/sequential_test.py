"""Test hypotheses with data that keep arriving, by betting against them.

While the hypothesis holds the wealth of a bet does not grow on average, so a large wealth is
evidence against it, whenever one looks. `sequential_test` starts once, with a stake chosen from
earlier values: its wealth exceeds 1 / level with a probability of at most `level`. Bets of fixed
stakes that restart whenever they have lost (`add_gains`) find a change at any time: a total wealth
of 1 / level is reached at most once in 1 / level values on average (an e-detector).

Which test is used where:

- `sequential_test`: versions of an online model, and its baseline (`streamproc.online.evaluation`).
  It compares two given versions from the moment both exist, and restarts after each verdict.
- e-detectors: production models against their baseline (`baseline`), and labels that come for some
  events only (`label_bias`). They run for as long as the model does and have to find a change at
  any time. They differ in what is bet on, not in the test.
- `streamproc.detectors.mean.e_detector` bets on the mean of a series, and every value starts a
  further bet (Shiryaev-Roberts) where those above restart (CUSUM). It is a detector with its own
  kernel, since `streamproc.detectors` must not depend on the rest.

References
----------
I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting",
Journal of the Royal Statistical Society B 86, 2024.
J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: A Nonparametric Framework for Sequential Change
Detection", New England Journal of Statistics in Data Science 2, 2024.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.jit import compiled

LOG_WEALTH: Final = 5
"""Log wealth, its maximum, pairs, and the fading mean and square of the differences."""
FADING: Final = 0.998
"""Weight of the previous mean at each value: a memory of about 500 values."""
CERTAIN: Final = math.log(1e6)
"""Log wealth at which an e-detector alarms: without a change at most once in a million values."""
_MAX_STAKE: Final = 0.5
"""Maximum share of the wealth that is bet."""


def new_log_wealth() -> Floats:
    """Return the evidence of a wealth of one."""
    return np.array([0.0, 0.0, 0.0, 0.0, 0.25])


@compiled
def sequential_test(
    mine: Floats,
    other: Floats,
    absolute: bool,  # noqa: FBT001
    evidence: Floats,
    start: int,
    enough: float,
) -> int:
    """Test, label by label from `start` on, whether the other version has smaller losses.

    If the other version is not better, the wealth is a supermartingale, whatever the history,
    that begins at 1: at any time at all it is above 1 / level with a chance of at most `level`.
    The share that is bet depends on earlier labels only, and is 0 while the other looks worse.

    Parameters
    ----------
    mine, other
        (labels,): losses on the same events; pairs with a NaN are skipped.
    absolute
        Whether the losses are absolute errors: their difference then counts relative to their
        sum, so that it lies in [-1, 1] in any unit.
    evidence
        (LOG_WEALTH,): updated in place.
    enough
        Log wealth at which to stop.

    Returns
    -------
    int
        The label that made the wealth large enough, or -1.
    """
    for i in range(start, len(mine)):
        gain = mine[i] - other[i]
        if math.isnan(gain):
            continue
        if absolute:
            both = mine[i] + other[i]
            gain = gain / both if both > 0.0 else 0.0
        share = min(max(evidence[3] / evidence[4], 0.0), _MAX_STAKE)
        evidence[0] += math.log1p(share * gain)
        evidence[1] = max(evidence[1], evidence[0])
        evidence[2] += 1.0
        weight = max(1.0 - FADING, 1.0 / (evidence[2] + 1.0))
        evidence[3] += weight * (gain - evidence[3])
        evidence[4] += weight * (gain * gain - evidence[4])
        evidence[4] = max(evidence[4], 1e-6)
        if evidence[0] >= enough:
            return i
    return -1


def is_significant(evidence: Floats, level: float) -> bool:
    """Whether the maximum wealth is significant at an error level."""
    return bool(evidence[1] >= -math.log(level))


def add_gains(logs: Sequence[float], gains: Iterable[float]) -> list[float]:
    """Add the log gains of bets to their log wealth, which restarts at 0 where it fell below.

    Examples
    --------
    >>> add_gains([2.0, -3.0], [0.5, 0.5])
    [2.5, 0.5]
    """
    return [max(log, 0.0) + gain for log, gain in zip(logs, gains, strict=True)]


def log_total(logs: Sequence[float]) -> float:
    """Return the log of the total wealth of bets, given the log wealth of each.

    Examples
    --------
    >>> round(log_total([0.0, 0.0]), 3)
    0.693
    """
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs))
