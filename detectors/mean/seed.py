"""SEED: a window of blocks that merge where they are alike and go where they differ.

`delta` trades false alarms for delay: it is the confidence of each test, and a
test is made at every border of blocks, each time that a block is full.
"""

from typing import Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.mean import seed_kernel as kernel
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

PARAMS = (
    Param(
        "delta",
        0.05,
        "confidence: smaller, fewer false alarms and later true ones",
        low=0.0,
        high=1.0,
        above=True,
        below=True,
    ),
    Param("block_size", 32, "values in a block, and between two checks", low=2, high=1_000_000),
    Param("epsilon", 0.01, "likeness of neighbours, in units of the values", low=0.0),
    Param("alpha", 0.8, "growth of that likeness from block to block backwards", low=0.0, high=1.0),
    Param("compress_term", 75, "blocks between two compressions", low=1, high=1_000_000),
    Param("max_blocks", 56, "blocks kept: more, finer borders, more memory", low=3, high=4096),
    Param("after", "keep", "the window after an alarm", choices=("keep", "reset")),
)

_BLANK = blank_record(
    {
        "width": (np.float64, 0.0),
        "total": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
        "count": (np.int32, 0),
        "begun": (np.int32, 0),
        "filled": (np.int32, 0),
        "alarmed": (np.bool_, False),
    }
)


class SEEDBank(ArraysBank):
    """Many SEEDs; parameters as in `SEED`.

    Parameters
    ----------
    size
        Number of slots.
    delta, block_size, epsilon, alpha, compress_term, max_blocks, after
        As in `SEED`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    A slot holds 40 bytes and 24 more for each of `max_blocks`: 1.4 kB by default.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        delta: float = 0.05,
        block_size: int = 32,
        epsilon: float = 0.01,
        alpha: float = 0.8,
        compress_term: int = 75,
        max_blocks: int = 56,
        after: str = "keep",
        **_: Unpack[ByArl],
    ) -> None:
        given: dict[str, object] = {"delta": delta, "block_size": block_size, "epsilon": epsilon}
        given |= {"alpha": alpha, "compress_term": compress_term}
        given |= {"max_blocks": max_blocks, "after": after}
        check_params("SEED", PARAMS, given)
        self._limits = (float(delta), block_size, epsilon * alpha, compress_term, after == "keep")
        super().__init__(_BLANK, size, {"blocks": (np.float64, (max_blocks, 3))})

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; blocks merge where room ends."""
        kernel.scan(
            values,
            tasks,
            self._records,
            self._wide["blocks"],
            self._limits,
            hits.row,
            hits.statistic,
            hits.threshold,
        )

    def _check_ranges(self, state: State) -> None:
        self._refuse_outside(state, {"count": (0, state["blocks"].shape[1])})


class SEED(Detector):
    """SEED on one series.

    Collects values in blocks; whenever one is full, compares the means on both
    sides of every border, newest first, with ADWIN's bound, and alarms at the
    first that differ by more than chance allows. Now and then blocks of like
    mean merge, where no change is to be expected, the sooner the older.

    Parameters
    ----------
    delta
        Confidence, in (0, 1): smaller means fewer false alarms and longer
        delays. The bound supposes values of about unit size.
    block_size
        Values in a block, 2 or more; also the resolution of an alarm.
    epsilon
        Difference of the means of neighbours, in the unit of the values, 0 or
        more, that makes them alike, times `alpha`, once for the newest pair,
        twice for the next, and so on.
    alpha
        Growth of that difference, in [0, 1].
    compress_term
        Blocks between two compressions, 1 or more.
    max_blocks
        Blocks kept, 3 or more. If they run out they are compressed at once, and
        if none are alike the two neighbours most alike merge.
    after
        What is left after an alarm: `keep` the values behind the border, as in
        the paper, or `reset` to nothing.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    `epsilon` from 0.0025 to 0.01, `alpha` from 0.2 to 0.8 and terms of 50 to
    100 are the paper's ranges, for values of 0 and 1. The window's variance is
    exact here, before and after a cut.

    References
    ----------
    D. T. J. Huang, Y. S. Koh, G. Dobbie, R. Pears, "Detecting Volatility Shift
    in Data Streams", IEEE International Conference on Data Mining, 2014.

    Examples
    --------
    >>> from streamproc.detectors import SEED
    >>> detector = SEED()
    >>> for i in range(2000):
    ...     detector.update(0.1 if i < 992 else 0.9)
    ...     if detector.drift_detected:
    ...         print(i)
    1023
    """

    def __init__(
        self,
        delta: float = 0.05,
        block_size: int = 32,
        epsilon: float = 0.01,
        alpha: float = 0.8,
        compress_term: int = 75,
        max_blocks: int = 56,
        after: str = "keep",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            SEEDBank(
                1,
                delta=delta,
                block_size=block_size,
                epsilon=epsilon,
                alpha=alpha,
                compress_term=compress_term,
                max_blocks=max_blocks,
                after=after,
            )
        )


ENTRY = entry(
    "seed",
    "mean",
    (SEED, SEEDBank),
    PARAMS,
    {"block_size": 16, "after": "reset", **BY_ARL},
    ThresholdParam("delta", loose=0.99, strict=1e-10),
)
