"""Mixture: Shiryaev and Roberts's sum, with the size of the change and the mean before it unknown.

`threshold` trades false alarms for delay. The sum over n independent values
without a change is n on average, so a run until a false alarm lasts about as many
values as the threshold says, and the delay grows with its logarithm.
"""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import StateError
from streamproc.detectors.mean import mixture_kernel as kernel
from streamproc.detectors.mean.adwin_kernel import narrowest
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

PARAMS = (
    Param(
        "threshold",
        1e6,
        "summed likelihood ratio that alarms: more, fewer alarms",
        low=1.0,
        high=1e15,
        above=True,
    ),
    Param("spread", 0.005, "share of the sum for changes of the spread", low=0.0, high=0.5),
    Param(
        "clip",
        3.0,
        "distance from the mean beyond which a value counts no more, in deviations",
        low=0.0,
        high=1e6,
        above=True,
    ),
    Param("warmup", 30, "values before the first alarm", low=2, high=1_000_000),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
)

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "origin": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
        "cubes": (np.float64, 0.0),
        "unit": (np.float64, 1.0),
        "skew": (np.float64, 0.0),
        "level": (np.float64, 0.0),
        "rough": (np.float64, 0.0),
        "ragged": (np.float64, 0.0),
        "unit_y": (np.float64, 1.0),
        "skew_y": (np.float64, 0.0),
        "rise": (np.float64, 0.0),
        "fall": (np.float64, 0.0),
        "rise_y": (np.float64, 0.0),
        "fall_y": (np.float64, 0.0),
        "gate": (np.float64, 0.0),
        "total": (np.float64, 0.0),
        "counts": ((np.int8, (kernel.ROWS,)), 0),
        "alarmed": (np.bool_, False),
    }
)


_FEWEST = 7  # rows that every slot has: enough for 500 values
_AT_ONCE = -1.0  # below all bounds, which are 0 or more


def _wide(rows: int) -> dict[str, tuple[Any, tuple[int, ...]]]:
    return {"buckets": (np.float32, (rows, kernel.LIMIT, 2))}


def _with_rows(buckets: NDArray[Any], rows: int, used: int) -> NDArray[Any]:
    """Copy the buckets of used slots; rows that there are not yet are empty, others left out."""
    shared = min(rows, buckets.shape[1])
    found = np.zeros((len(buckets), rows, *buckets.shape[2:]), buckets.dtype)
    found[:used, :shared] = buckets[:used, :shared]
    return found


class MixtureBank(ArraysBank):
    """Many mixtures; parameters as in `Mixture`, 400 to 700 bytes a slot.

    Rows of buckets are added for the bank as a whole when its longest history needs them: 7 hold
    500 values, 16 all that count.

    Its hits give logarithms of statistic and threshold.

    Parameters
    ----------
    size
        Number of slots.
    threshold, spread, clip, warmup, mode
        As in `Mixture`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        threshold: float = 1e6,
        spread: float = 0.005,
        clip: float = 3.0,
        warmup: int = 30,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        given: dict[str, object] = {"threshold": threshold, "spread": spread, "clip": clip}
        check_params("Mixture", PARAMS, given | {"warmup": warmup, "mode": mode})
        self._limits = (
            float(np.log(threshold)),
            float(spread),
            float(clip),
            float(warmup),
            mode != "down",
            mode != "up",
        )
        self._spare = 0.0  # values that any slot can take before it might need one more row
        super().__init__(_BLANK, size, _wide(_FEWEST))

    def state(self) -> State:
        """Copy all there is to know; `buckets` has all rows that a slot can have."""
        state = super().state()
        return state | {"buckets": _with_rows(state["buckets"], kernel.ROWS, self.size)}

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        before = self._wide
        self._wide = {name: np.zeros((0, *of[1]), of[0]) for name, of in _wide(kernel.ROWS).items()}
        try:
            super().load(state)
        except StateError:
            self._wide = before
            raise
        buckets = self._wide["buckets"]
        written = buckets.any(axis=(0, 2, 3)) | (state["counts"] != 0).any(axis=0)
        rows = int(np.flatnonzero(written).max(initial=-1)) + 1
        self._wide["buckets"] = _with_rows(buckets, max(rows, _FEWEST), self.size)
        self._spare = 0.0

    def _grow(self, more: int) -> None:
        """Have enough rows for the longest history and `more` values."""
        widest = float(self._records["n"][: self.size].max(initial=0.0)) + more
        rows = self._wide["buckets"].shape[1]
        while rows < kernel.ROWS and narrowest(rows, kernel.LIMIT) - 1.0 < widest:
            rows += 1
        if rows > self._wide["buckets"].shape[1]:
            self._wide["buckets"] = _with_rows(self._wide["buckets"], rows, self.size)
        end = narrowest(rows, kernel.LIMIT) if rows < kernel.ROWS else np.inf
        self._spare = end - 1.0 - widest

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:
        """Do the work of `scan` on arguments known to be right."""
        self._spare -= longest
        if self._spare < 0.0:
            self._grow(longest)
        kernel.scan(
            values,
            tasks,
            self._records,
            self._wide["buckets"],
            self._limits,
            hits.row,
            hits.statistic,
        )
        hits.threshold[hits.row >= 0] = self._limits[0]

    def take_over(self, other: Bank) -> None:
        """Go on with the slots of another bank; the next value is looked at in any case.

        The bar below which no look is needed was set for the other threshold.
        """
        super().take_over(other)
        self._records["gate"] = _AT_ONCE

    def evidence(self, slot: int) -> float:
        """Logarithm of the sum of a slot as it stands; 0 before the warm-up's end."""
        head = self._records[slot]
        if head["n"] < self._limits[3]:
            return 0.0
        total = kernel.summed(head, self._wide["buckets"][slot], self._limits)
        return float(np.log(max(total, 1.0)))

    def _check_ranges(self, state: State) -> None:
        self._refuse_outside(state, {"counts": (0, kernel.LIMIT)})
        held = (state["counts"] * 2.0 ** np.arange(kernel.ROWS)).sum(axis=1)
        if not (held <= state["n"]).all():  # rows are added for `n` values
            msg = "MixtureBank: state 'counts' holds more values than 'n'"
            raise StateError(msg)


class Mixture(Detector):
    """Mixture Shiryaev-Roberts test on one series.

    Adds up, over every place where a change might have begun, how much more
    likely the values are with a change there than without, averaged over the
    sizes that a change may have. The mean before it is unknown and cancels out;
    the deviation is learned on the way, the skewness too. A small share of the
    sum belongs to changes of the spread.

    Parameters
    ----------
    threshold
        Sum that alarms, above 1. About the number of values until a false
        alarm, where they are independent.
    spread
        Share of the sum for changes of the spread, in [0, 0.5]. 0 watches the
        mean alone. Of a small share only the logarithm counts against finding it.
    clip
        Distance from the mean of the values so far, above 0, beyond which a
        value counts as no farther. In units of the values, which should have a
        deviation of about 1. Below 4 it shortens delays on heavy tails and
        lengthens them, a little, on large shifts.
    warmup
        Values before the first alarm, 2 or more.
    mode
        `up`, `down` or `both`: the direction of the mean that alarms. Only with
        `both` does the spread count.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    For a place with n0 values before and n1 after it, whose means differ by z
    deviations, and v = 1/n0 + 1/n1, the likelihood ratio averaged over sizes
    N(m, s²) is √(v / (v + s²)) · exp(z² / 2v - (z - m)² / 2(v + s²)). The sizes
    are a mixture of three normal distributions, see `streamproc.detectors.mean.mixture_kernel`.
    Values of skewness g count as Poisson counts of mean 1/g², which are as skewed:
    with means d0 and d1 deviations from that of all, z² / 2v becomes
    (n0·h(g·d0) + n1·h(g·d1)) / g², h(u) = (1 + u)·ln(1 + u) - u, and z its root.
    So events that are rare are counted, however rare; estimates of g are shrunk.
    Places are the borders of an exponential histogram of four buckets a row, each
    counted as often as it has values.

    References
    ----------
    M. Pollak, D. Siegmund, "Sequential detection of a change in a normal mean
    when the initial value is unknown", Annals of Statistics 19, 1991.
    T. L. Lai, H. Xing, "Sequential change-point detection when the pre- and
    post-change parameters are unknown", Sequential Analysis 29, 2010.

    Examples
    --------
    >>> from streamproc.detectors import Mixture
    >>> detector = Mixture()
    >>> for i in range(200):
    ...     detector.update(i % 2 + (2.0 if i >= 100 else 0.0))
    ...     if detector.drift_detected:
    ...         print(i)
    108
    """

    _bank: MixtureBank

    def __init__(
        self,
        threshold: float = 1e6,
        spread: float = 0.005,
        clip: float = 3.0,
        warmup: int = 30,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            MixtureBank(1, threshold=threshold, spread=spread, clip=clip, warmup=warmup, mode=mode)
        )

    @property
    def statistic(self) -> float:
        """Logarithm of the summed likelihood ratio, 0 or more."""
        return self._bank.evidence(0)


ENTRY = entry(
    "mixture",
    "mean",
    (Mixture, MixtureBank),
    PARAMS,
    # Through the pipeline, one false alarm in 10⁸ values: docs/scoreboard.md.
    {"threshold": 1e8},
    ThresholdParam("threshold", loose=30.0, strict=1e13, free=("mode",), measured=(1e8, 5e7)),
)
