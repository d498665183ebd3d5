"""KSWIN: the newest values against as many drawn from those before, by Kolmogorov-Smirnov.

The knob is `alpha`, the probability of a false alarm in one comparison: the
test is exact, so with one every `stride` values the expected number of values
until a false alarm is at least `stride / (2 alpha)`.
"""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.distribution import kswin_kernel as kernel
from streamproc.detectors.distribution.p_values import two_sample_ks_tail
from streamproc.detectors.errors import ParameterError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, by_comparison
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

MIN_DISTANCE = 0.1
"""Distances up to this never alarm, as in River."""

PARAMS = (
    Param(
        "alpha", 0.005, "false alarms a comparison: smaller, fewer", low=0.0, high=1.0, above=True
    ),
    Param("window_size", 100, "values kept", low=4, high=30_000),
    Param("stat_size", 30, "newest of them, and how many are drawn", low=2, high=15_000),
    Param("stride", 1, "values between two comparisons", low=1, high=1_000_000),
    Param("seed", 0, "of the draws", low=0, high=2**62),
)

_BLANK = blank_record(
    {
        "comparisons": (np.int64, 0),
        "held": (np.int32, 0),
        "cursor": (np.int32, 0),
        "wait": (np.int32, 0),
        "largest": (np.int32, 0),
        "alarmed": (np.bool_, False),
    }
)


class KSWINBank(ArraysBank):
    """Many KSWINs; parameters as in `KSWIN`.

    Parameters
    ----------
    size
        Number of slots.
    alpha, window_size, stat_size, stride, seed
        As in `KSWIN`. All slots use the same draws.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    A slot holds 32 bytes and 10 for each value of the window.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        stride: int = 1,
        seed: int = 0,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "KSWIN",
            PARAMS,
            {
                "alpha": alpha,
                "window_size": window_size,
                "stat_size": stat_size,
                "stride": stride,
                "seed": seed,
            },
        )
        if 2 * stat_size > window_size:
            msg = (
                f"KSWIN.stat_size: expected at most half of window_size ({window_size}), "
                f"got {stat_size}: as many are drawn from the rest"
            )
            raise ParameterError(msg)
        self._limits = (stat_size, stride, seed, critical(alpha, stat_size))
        wide = {"ring": (np.float64, (window_size,)), "order": (np.int16, (window_size,))}
        super().__init__(_BLANK, size, wide)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no growth, so no `longest`."""
        arrays = (self._wide["ring"], self._wide["order"])
        kernel.scan(values, tasks, self._records, arrays, self._limits, hits.row, hits.statistic)
        hits.threshold[hits.row >= 0] = self._limits[3] / self._limits[0]

    def _check_ranges(self, state: State) -> None:
        length = state["ring"].shape[1]
        held, cursor = state["held"], state["cursor"]
        used = np.arange(length) < held[:, None]
        # Unused entries are 0; those in use must name each place of the ring once.
        order = np.sort(np.where(used, state["order"], np.arange(length)), axis=1)
        if (
            ((held < 0) | (held > length) | (cursor < 0) | (cursor >= length)).any()
            or (order != np.arange(length)).any()
            or ((held < length) & (cursor != held)).any()
        ):
            msg = "KSWINBank: state 'held', 'cursor' and 'order' do not fit together"
            raise StateError(msg)


class KSWIN(Detector):
    """Kolmogorov-Smirnov windowing on one series.

    Keeps the last `window_size` values and compares the newest `stat_size` of
    them with as many drawn at random from the rest. Alarms when the largest
    distance of the two empirical distributions is improbable and above 0.1.
    It sees any kind of change, but only within its window: slow ones pass.

    Parameters
    ----------
    alpha
        Probability of a false alarm in one comparison, in (0, 1], exact without
        ties and an upper bound with them: at least `stride / (2 alpha)` values
        until a false alarm is expected. River's default of 0.005 means one
        every few hundred values.
    window_size
        Values kept, 4 … 30,000.
    stat_size
        Values compared, 2 … `window_size` / 2.
    stride
        Values between two comparisons, from the first full window on. River
        has 1; 10 costs a tenth and delays an alarm by 5 values on average.
    seed
        Of the draws, 0 … 2^62.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    Given the same draws, alarms equal those of River 0.26.1 and `p_value` its
    p-values up to rounding. The draws differ: River keeps a Mersenne Twister
    (2.5 kB) a detector, here they follow from the seed and the number of the
    comparison. River's `window` argument has no counterpart.

    References
    ----------
    C. Raab, M. Heusinger, F.-M. Schleif, "Reactive Soft Prototype Computing for
    Concept Drift Streams", Neurocomputing 416, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import KSWIN
    >>> detector = KSWIN(alpha=1e-6)
    >>> values = np.random.default_rng(3).normal([0] * 1000 + [3] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1022
    """

    _bank: KSWINBank

    def __init__(
        self,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        stride: int = 1,
        seed: int = 0,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            KSWINBank(
                1,
                alpha=alpha,
                window_size=window_size,
                stat_size=stat_size,
                stride=stride,
                seed=seed,
            )
        )
        self._size = stat_size

    @property
    def p_value(self) -> float:
        """Of the last comparison: the probability of a distance as large or larger."""
        record: Any = self._bank._records[0]  # noqa: SLF001 - the bank is this class's other half
        largest = int(record["largest"])
        if not record["comparisons"]:
            return 0.0  # as River's before its first comparison
        return two_sample_ks_tail(largest, self._size) if largest else 1.0


def critical(alpha: float, size: int) -> int:
    """Least difference of counts, of `size` values each, that alarms; size + 1 if none does."""
    low, high = 1, size + 1
    while low < high:
        middle = (low + high) // 2
        enough = middle / size > MIN_DISTANCE and two_sample_ks_tail(middle, size) <= alpha
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


ENTRY = entry(
    "kswin",
    "distribution",
    (KSWIN, KSWINBank),
    PARAMS,
    # The smallest window that sees a shift of one deviation at this run length: 2 kB a series.
    {"window_size": 200, "stat_size": 100, "stride": 10, **BY_ARL},
    by_comparison(PARAMS),
)
