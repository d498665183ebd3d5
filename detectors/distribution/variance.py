"""Variance: the spread of recent values against that of the first ones.

The knob is `alpha`, the probability of a false alarm in one comparison: with
one every `stride` values the expected number of values until a false alarm is
at least `stride / (2 alpha)`.
"""

import math
from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.distribution.p_values import chi2_bound
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, by_comparison
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.series.standardise_kernel import learn
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

SAMPLE = 96
"""First values that the unit is learned from; the sums of the window take over their bytes."""
POWERS = 4

PARAMS = (
    Param("reference", 500, "values in the reference", low=100, high=1_000_000_000),
    Param("window", 200, "recent values compared with it", low=20, high=1_000_000),
    Param("stride", 10, "values between two comparisons", low=1, high=1_000_000),
    Param(
        "alpha", 1e-5, "false alarms a comparison: smaller, fewer", low=0.0, high=0.5, above=True
    ),
    Param("clip", 6.0, "robust deviations beyond which a value counts no more", low=1.0, high=1e6),
)

_BLANK = blank_record(
    {
        "loc": (np.float64, 0.0),
        "scale": (np.float64, 0.0),
        "bound": (np.float64, 0.0),
        "sums": ((np.float64, (POWERS,)), 0.0),  # of the reference: z, z², z³, z⁴
        "seen": (np.int32, 0),  # values of the reference
        "held": (np.int32, 0),  # values of the window, those of an unfinished stride too
        "cursor": (np.int32, 0),  # stride of the window that takes the next value
        "filled": (np.int32, 0),  # values in it
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _add(sums: Any, value: float) -> None:
    square = value * value
    sums[0] += value
    sums[1] += square
    sums[2] += square * value
    sums[3] += square * square


@compiled
def _centred(sums: Any, n: float) -> tuple[float, float]:
    """Mean squared and mean fourth power of the deviations from the mean."""
    mean, second, third, fourth = sums[0] / n, sums[1] / n, sums[2] / n, sums[3] / n
    square = mean * mean
    variance = max(second - square, 0.0)
    power = fourth - 4.0 * mean * third + 6.0 * square * second - 3.0 * square * square
    return variance, max(power, variance * variance)


@compiled
def _compare(reference: Any, n: float, window: Any, m: float) -> tuple[float, float]:
    """Difference of both variances, and its deviation if they are one."""
    before, fourth_before = _centred(reference, n)
    after, fourth_after = _centred(window, m)
    share = n / (n + m)
    variance = share * before + (1.0 - share) * after
    fourth = share * fourth_before + (1.0 - share) * fourth_after
    spread = max(fourth - variance * variance, 0.0)
    return abs(after - before), math.sqrt(spread * (1.0 / n + 1.0 / m))


@compiled
def _unit(record: Any, value: float) -> float:
    """Give the value in robust deviations, drawn in to the bound."""
    z = 0.0 if value == record.loc else (value - record.loc) / record.scale
    return float(min(max(z, -record.bound), record.bound))


@compiled
def _learn(record: Any, sums: Floats, clip: float) -> None:
    """Learn the unit from the first values, and begin the reference with them."""
    first = sums[:SAMPLE].copy()
    sums[:] = 0.0
    record.loc, record.scale, record.bound = learn(first, clip)
    for i in range(SAMPLE):
        _add(record.sums, _unit(record, first[i]))


@compiled
def _forget(record: Any, sums: Floats) -> None:
    """Make a slot as good as new."""
    record.alarmed = False
    record.loc = record.scale = record.bound = 0.0
    record.seen = record.held = record.cursor = record.filled = 0
    record.sums[:] = 0.0
    sums[:] = 0.0


@compiled
def _take(record: Any, sums: Floats, value: float, limits: Any) -> bool:
    """Put a value where it belongs; whether a comparison is due."""
    reference, window, stride, clip, _ = limits
    if record.seen < SAMPLE:
        sums[record.seen] = value
        record.seen += 1
        if record.seen == SAMPLE:
            _learn(record, sums, clip)
        return False
    z = _unit(record, value)
    if record.seen < reference:
        record.seen += 1
        _add(record.sums, z)
        # The reference's last values fill the first window: no second time of blindness.
        if record.seen <= reference - window:
            return False
    here = sums[record.cursor * POWERS : record.cursor * POWERS + POWERS]
    if record.filled == 0:
        here[:] = 0.0
    _add(here, z)
    record.held = min(record.held + 1, window)
    record.filled += 1
    if record.filled < stride:
        return False
    record.filled = 0
    record.cursor = record.cursor + 1 if record.cursor + 1 < window // stride else 0
    return bool(record.held == window and record.seen == reference)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    rows: Floats,
    limits: tuple[int, int, int, float, float],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: reference, window, stride, clip, z."""
    reference, window, deviations = float(limits[0]), float(limits[1]), limits[4]
    size = limits[1] // limits[2] * POWERS
    total = np.zeros(POWERS)
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(records, later, 0)
            prefetch(records, later, 64)
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        record, sums = records[slot], rows[slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if record.alarmed:
                _forget(record, sums)
            if not _take(record, sums, value, limits):
                continue
            total[:] = 0.0
            for i in range(size):
                total[i % POWERS] += sums[i]
            apart, deviation = _compare(record.sums, reference, total, window)
            if apart > deviations * deviation:
                record.alarmed = True
                hits[0][k], hits[1][k], hits[2][k] = t, apart, deviations * deviation
                break


class VarianceBank(ArraysBank):
    """Many comparisons of variances; parameters as in `Variance`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, alpha, clip
        As in `Variance`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    A slot holds 80 bytes and 32 for each stride of the window, at least 768
    for all of them: 848 bytes with the defaults.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        alpha: float = 1e-5,
        clip: float = 6.0,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "Variance",
            PARAMS,
            {
                "reference": reference,
                "window": window,
                "stride": stride,
                "alpha": alpha,
                "clip": clip,
            },
        )
        if window % stride:
            msg = f"Variance.window: expected a multiple of stride ({stride}), got {window}"
            raise ParameterError(msg)
        deviations = math.sqrt(chi2_bound(alpha, 1))
        self._limits = (reference, window, stride, float(clip), deviations)
        row = max(SAMPLE, window // stride * POWERS)
        super().__init__(_BLANK, size, {"rows": (np.float64, (row,))})

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no growth, so no `longest`."""
        outputs = (hits.row, hits.statistic, hits.threshold)
        _scan(values, tasks, self._records, self._wide["rows"], self._limits, outputs)

    def _check_ranges(self, state: State) -> None:
        reference, window, stride = self._limits[:3]
        limits = {
            "seen": (0, reference),
            "held": (0, window),
            "cursor": (0, window // stride - 1),
            "filled": (0, stride - 1),
        }
        self._refuse_outside(state, limits)


class Variance(Detector):
    """Change of the variance on one series.

    Compares the variance of the last `window` values with that of the first
    `reference` ones, in deviations of their difference. That deviation comes
    from the fourth moments of both, so that it holds for other shapes than the
    normal one. A jump of the mean within the window counts as spread too. At
    the start the window is the end of the reference: it is blind for
    `reference` values, and no longer.

    Parameters
    ----------
    reference
        Values in the reference, 100 or more.
    window
        Recent values compared with it, 20 or more, a multiple of `stride`.
    stride
        Values between two comparisons. 10 keeps the window as 20 sums rather
        than 200 values, and delays an alarm by 5 values on average.
    alpha
        Probability of a false alarm in one comparison, in (0, 0.5]. The normal
        limit is taken for it.
    clip
        Robust deviations (of the first 96 values) beyond which a value counts
        no more, 1 or more: heavy tails have no fourth moment.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    References
    ----------
    M. W. J. Layard, "Robust Large-Sample Tests for Homogeneity of Variances",
    Journal of the American Statistical Association 68, 1973.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import Variance
    >>> detector = Variance()
    >>> values = np.random.default_rng(3).normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1059
    """

    def __init__(
        self,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        alpha: float = 1e-5,
        clip: float = 6.0,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            VarianceBank(
                1, reference=reference, window=window, stride=stride, alpha=alpha, clip=clip
            )
        )


ENTRY = entry(
    "variance", "distribution", (Variance, VarianceBank), PARAMS, BY_ARL, by_comparison(PARAMS)
)
