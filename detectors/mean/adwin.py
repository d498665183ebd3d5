"""ADWIN: a window that shrinks when its older and newer parts differ in mean."""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import StateError
from streamproc.detectors.mean import adwin_kernel as kernel
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.growing_arrays import widen
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record, check_state
from streamproc.detectors.spec import entry

MAX_ROWS = 40
"""Rows that a window can ever have: 5·2^40 values without an alarm, 17 years at 10,000 a second."""

PARAMS = (
    Param(
        "delta",
        0.002,
        "confidence: smaller, fewer false alarms and later true ones",
        low=0.0,
        high=1.0,
        above=True,
        below=True,
    ),
    Param("clock", 32, "values between two checks", low=1, high=1_000_000),
    Param("max_buckets", 5, "buckets of one size: more, finer cuts, more memory", low=2, high=64),
    Param("min_window_length", 5, "shortest part compared, in values", low=1, high=1_000_000),
    Param("grace_period", 10, "values before the first check", low=0, high=1_000_000_000),
    Param("after", "reset", "the window after an alarm", choices=("reset", "keep")),
)

_BLANK = blank_record(
    {
        "total": (np.float64, 0.0),
        "variance": (np.float64, 0.0),
        "width": (np.float64, 0.0),
        "tick": (np.int32, 0),
        "rows": (np.int16, 1),
        "alarmed": (np.bool_, False),
        "counts": ((np.int8, (MAX_ROWS,)), 0),
    }
)


class ADWINBank(Bank):
    """Many ADWINs; parameters as in `ADWIN`, arithmetic to the last bit.

    Parameters
    ----------
    size
        Number of slots.
    delta, clock, max_buckets, min_window_length, grace_period, after
        As in `ADWIN`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    Rows of buckets are added for the bank as a whole when its longest window
    needs them: 15 rows of 80 bytes after 100,000 values, 1.3 kB a slot in all.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
        after: str = "reset",
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "ADWIN",
            PARAMS,
            {
                "delta": delta,
                "clock": clock,
                "max_buckets": max_buckets,
                "min_window_length": min_window_length,
                "grace_period": grace_period,
                "after": after,
            },
        )
        self._limits = (
            clock,
            max_buckets,
            float(min_window_length),
            float(grace_period),
            float(delta),
            after == "keep",
        )
        self._windows = np.zeros((0, 1, 2, max_buckets))
        # Values that any window can take before it might need one more row: looking at each
        # window at each call would cost as much as feeding it one value.
        self._spare = 0.0
        super().__init__(_BLANK, size)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing."""
        before = self.size
        super().resize(size)
        if len(self._records) > len(self._windows):
            widen(vars(self), "_windows", len(self._records), before)
        self._windows[before : self.size] = 0.0

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        self._windows[slots] = 0.0

    def state(self) -> State:
        """Copy all there is to know; `windows` has as many rows as the longest window."""
        state = super().state()
        rows = int(state["rows"].max(initial=1))
        state["windows"] = self._windows[: self.size, :rows].copy()
        return state

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        windows = state.get("windows")
        if windows is None or windows.ndim != 4:
            msg = "ADWINBank: state 'windows' is missing or not of 4 dimensions"
            raise StateError(msg)
        size = len(windows)
        shape = (size, windows.shape[1], 2, self._limits[1])
        check_state("ADWINBank", {"windows": windows}, {"windows": (self._windows.dtype, shape)})
        heads = {name: array for name, array in state.items() if name != "windows"}
        if self._check(heads) != size:
            msg = f"ADWINBank: state 'windows' has {size} slots, the rest {len(heads['rows'])}"
            raise StateError(msg)
        self._check_windows(heads, windows.shape[1])
        super().load(heads)
        self._windows = windows.copy()
        self._spare = 0.0

    def _grow(self, more: int) -> None:
        """Have enough rows for the longest window and `more` values."""
        widest = float(self._records["width"][: self.size].max(initial=0.0)) + more
        rows, limit = self._windows.shape[1], self._limits[1]
        while (spare := kernel.narrowest(rows, limit) - 1 - widest) < 0:
            rows += 1
        if rows > self._windows.shape[1]:
            grown = np.zeros((len(self._windows), rows, *self._windows.shape[2:]))
            grown[:, : self._windows.shape[1]] = self._windows
            self._windows = grown
        self._spare = spare

    def _check_windows(self, heads: State, rows: int) -> None:
        """Refuse windows that the compiled loop would read or write out of bounds."""
        counts, used = heads["counts"], heads["rows"]
        held = (counts * 2.0 ** np.arange(MAX_ROWS)).sum(axis=1)
        if (
            used.min(initial=1) < 1
            or used.max(initial=1) > rows
            or counts.min(initial=0) < 0
            or counts.max(initial=0) > self._limits[1]
            or (held != heads["width"]).any()
            or (counts[np.arange(MAX_ROWS) >= used[:, None]] != 0).any()
        ):
            msg = f"ADWINBank: state 'counts', 'rows', 'width' and {rows} rows do not fit together"
            raise StateError(msg)

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return super().nbytes() + int(self._windows.nbytes)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:
        """Do the work of `scan` on arguments known to be right."""
        self._spare -= longest
        if self._spare < 0:
            self._grow(longest)
        kernel.scan(
            values,
            tasks,
            self._records,
            self._windows,
            self._limits,
            hits.row,
            hits.statistic,
            hits.threshold,
        )


class ADWIN(Detector):
    """ADaptive WINdowing on one series.

    Keeps a window of recent values as an exponential histogram and, every
    `clock` values, compares the means of each older and newer part of it; when
    they differ by more than chance allows, drops the older part and alarms.

    Parameters
    ----------
    delta
        Confidence, in (0, 1): smaller means fewer false alarms and longer
        delays. The bound supposes values of about unit size.
    clock
        Values between two checks, 1 or more. 32 costs a thirtieth of 1 and
        delays an alarm by 16 values on average.
    max_buckets
        Buckets of one size before two of them merge, 2 or more: more means
        finer cuts and more memory.
    min_window_length
        Shortest part that is compared, in values, 1 or more.
    grace_period
        Values before the first check.
    after
        What is left of the window after an alarm: `reset` to nothing, as in
        River, or `keep` the newer part, as in the paper; it already knows the
        new mean, and goes on at once.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    Alarms, `width`, `total` and `variance` equal those of River 0.26.1.

    References
    ----------
    A. Bifet, R. Gavaldà, "Learning from Time-Changing Data with Adaptive
    Windowing", SIAM International Conference on Data Mining, 2007.
    B. Babcock, M. Datar, R. Motwani, L. O'Callaghan, "Maintaining Variance and
    k-Medians over Data Stream Windows", PODS, 2003.

    Examples
    --------
    >>> from streamproc.detectors import ADWIN
    >>> detector = ADWIN()
    >>> for i in range(2000):
    ...     detector.update(0.1 if i < 1000 else 0.9)
    ...     if detector.drift_detected:
    ...         print(i, detector.n_detections)
    1023 1
    """

    _bank: ADWINBank

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
        after: str = "reset",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            ADWINBank(
                1,
                delta=delta,
                clock=clock,
                max_buckets=max_buckets,
                min_window_length=min_window_length,
                grace_period=grace_period,
                after=after,
            )
        )

    @property
    def width(self) -> float:
        """Values in the window."""
        return float(self._head()["width"])

    @property
    def total(self) -> float:
        """Sum of the window."""
        return float(self._head()["total"])

    @property
    def variance(self) -> float:
        """Sum of squared deviations from the window's mean (as River calls it)."""
        return float(self._head()["variance"])

    @property
    def estimation(self) -> float:
        """Mean of the window, 0 while it is empty."""
        return self.total / self.width if self.width else 0.0

    @property
    def n_detections(self) -> int:
        """Alarms since the last start: 1 right after one, else 0, as River counts."""
        return int(self.drift_detected)

    def _head(self) -> Any:
        return self._bank._records[0]  # noqa: SLF001 - the bank is this class's other half


ENTRY = entry(
    "adwin",
    "mean",
    (ADWIN, ADWINBank),
    PARAMS,
    # A check every 16 values costs 4 ns a value more than every 32 and saves 8 of delay.
    {"delta": 2e-6, "clock": 16},
    ThresholdParam("delta", loose=0.99, strict=1e-10, measured=(2e-6, 5e7)),
)
