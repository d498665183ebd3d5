"""Detectors that compare a window of recent values with a reference, bin by bin.

What they share: which values are the reference, how the bins are laid out, how
often the two are compared, and the one knob, `alpha`. A comparison of two
samples of one distribution alarms with probability `alpha`; there is one every
`stride` values. By the union bound the expected number of values until a false
alarm is then at least `stride / (2 alpha)`, however the comparisons depend on
each other, and false alarms are at most `alpha / stride` of the values.
"""

import math
from typing import ClassVar, Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.distribution import binned_kernel as kernel
from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.p_values import chi2_bound
from streamproc.detectors.errors import StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import ByArl
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank

AGAINST = ("warmup", "previous", "sliding")
SAMPLE = 96
"""First values that lay the bins out: enough for 32 of them, and 768 bytes a series, which
the edges take over."""

_COMMON = (
    Param("reference", 500, "values in the reference", low=50, high=30_000),
    Param("window", 200, "recent values compared with it", low=20, high=30_000),
    Param("stride", 10, "values between two comparisons", low=1, high=1_000_000),
)
_LAST = (
    Param(
        "alpha",
        1e-5,
        "false alarms a comparison: at least stride / (2 alpha) values until one is expected",
        low=0.0,
        high=0.5,
        above=True,
    ),
    Param("against", "warmup", "reference: first, previous or adjoining values", choices=AGAINST),
)
BINNED = (*_COMMON, Param("bins", 32, "bins, fewer where values repeat", low=4, high=256), *_LAST)
CODED = (
    *_COMMON,
    Param("cap", 32, "categories that are counted alone; further ones share 16", low=1, high=200),
    *_LAST,
)
MONITORED = {"reference": 1000, "alpha": 2e-6}
"""For series that are watched for good: shares that move by a tenth are found five times sooner
than against 500, and of any categories at most one alarm in a million values is false."""

_BLANK = blank_record(
    {
        "seen": (np.int32, 0),  # values of the reference so far
        "held": (np.int32, 0),  # values in the window
        "aged": (np.int32, 0),  # values that have left the window towards the next reference
        "cursor": (np.int32, 0),  # where the ring takes the next value
        "wait": (np.int32, 0),  # values until the next comparison
        "bins": (np.int16, 0),
        "alarmed": (np.bool_, False),
    }
)


class ReferenceBank(ArraysBank):
    """Many comparisons of a window with a reference; a detector says by which statistic.

    Parameters
    ----------
    size
        Number of slots.
    given
        The parameters, complete: those of `BINNED`, or of `CODED`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    A slot holds 24 bytes, 8 for each edge (at least 96 of them, which first
    hold values), 4 a bin (6 against the previous period) and 1 a value of the
    window (and of the reference, if that slides): 1.1 kB with the defaults.
    """

    kind: ClassVar[int]
    scheme: ClassVar[int] = kernel.EQUAL_MASS
    owner: ClassVar[str]

    def __init__(self, size: int, given: dict[str, int | float | str]) -> None:
        schema = CODED if self.scheme == kernel.CODES else BINNED
        checked = check_params(self.owner, schema, given)
        reference, window, stride = (int(checked[p.name]) for p in _COMMON)
        coded = self.scheme == kernel.CODES
        cap = int(checked["cap"]) if coded else 0
        bins = cap + kernel.SHARED if coded else int(checked["bins"])
        against = AGAINST.index(str(checked["against"]))
        sample = 0 if coded else min(reference, max(SAMPLE, 3 * bins))
        self._modes = (self.kind, self.scheme, against)
        grows = coded and against == kernel.WARMUP
        first = min(reference, window) if grows else reference
        self._sizes = np.array([reference, window, stride, bins, sample, first])
        self._tables = (
            bounds(self.kind, float(checked["alpha"]), reference, window, bins + coded),
            _xlogx(reference + window) if self.kind == by.G else np.zeros(1),
        )
        ring = window + reference * (against == kernel.SLIDING)
        rows = 2 + (against == kernel.PREVIOUS)
        super().__init__(
            _BLANK,
            size,
            {
                "edges": (np.float64, (cap if coded else max(sample, bins - 1),)),
                "counts": (np.int16, (rows, bins)),
                "ring": (np.uint8, (ring,)),
            },
        )

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no growth, so no `longest`."""
        arrays = (self._wide["edges"], self._wide["counts"], self._wide["ring"])
        outputs = (hits.row, hits.statistic, hits.threshold)
        kernel.scan(
            values, tasks, self._records, arrays, self._modes, self._sizes, self._tables, outputs
        )

    def _check_ranges(self, state: State) -> None:
        reference, window, stride, bins, sample, _ = self._sizes.tolist()
        counts, ring, laid = state["counts"], state["ring"], state["seen"] >= sample
        limits = {
            "seen": (0, reference),
            "held": (0, window),
            "aged": (0, reference - 1),
            "cursor": (0, ring.shape[1] - 1),
            "wait": (0, stride),
            "bins": (0, bins - kernel.SHARED if self.scheme == kernel.CODES else bins),
        }
        self._refuse_outside(state, limits)
        seen = np.where(laid, state["seen"], 0)
        if (
            (counts < 0).any()
            or (ring >= bins).any()
            or (counts[:, 0].sum(axis=1) != seen).any()
            or (counts[:, 1].sum(axis=1) != state["held"]).any()
        ):
            msg = (
                f"{type(self).__name__}: state 'counts', 'ring', 'seen', 'held' do not fit together"
            )
            raise StateError(msg)


class BinnedBank(ReferenceBank):
    """Many detectors of one kind on numbers; parameters as in the detector itself.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in the detector.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        bins: int = 32,
        alpha: float = 1e-5,
        against: str = "warmup",
    ) -> None:
        super().__init__(
            size,
            {
                "reference": reference,
                "window": window,
                "stride": stride,
                "bins": bins,
                "alpha": alpha,
                "against": against,
            },
        )


class CodedBank(ReferenceBank):
    """Many detectors of one kind on codes of categories; parameters as in the detector itself.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, cap, alpha, against
        As in the detector.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    scheme = kernel.CODES

    def __init__(
        self,
        size: int = 0,
        *,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        cap: int = 32,
        alpha: float = 1e-5,
        against: str = "warmup",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            size,
            {
                "reference": reference,
                "window": window,
                "stride": stride,
                "cap": cap,
                "alpha": alpha,
                "against": against,
            },
        )


class BinnedDetector(Detector):
    """One series of numbers; what the detectors below share.

    Parameters
    ----------
    reference
        Values in the reference, 50 … 30,000. It bounds what can be found: two
        samples never show less than the smaller one's noise.
    window
        Recent values compared with it, 20 … 30,000. Longer windows find
        smaller changes, later.
    stride
        Values between two comparisons, from the first full window on. 10 costs
        a tenth of 1 and delays an alarm by 5 values on average.
    bins
        4 … 256. Values that repeat more often than a bin's share get bins of
        their own, and there are fewer.
    alpha
        Probability of a false alarm in one comparison, in (0, 0.5]: the one
        parameter that trades false alarms for delay. The default expects at
        least 500,000 values until a false alarm, in practice some million.
    against
        `warmup`: the first `reference` values since the start; finds slow
        changes too. `previous`: the last full period of `reference` values
        before the window; follows slow changes. `sliding`: the `reference`
        values that adjoin the window.
    """

    bank: ClassVar[type[BinnedBank]]

    def __init__(
        self,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        bins: int = 32,
        alpha: float = 1e-5,
        against: str = "warmup",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            self.bank(
                1,
                reference=reference,
                window=window,
                stride=stride,
                bins=bins,
                alpha=alpha,
                against=against,
            )
        )


class CodedDetector(Detector):
    """One series of codes of categories; what the detectors below share.

    Parameters
    ----------
    reference, window, stride, alpha, against
        As in `BinnedDetector`; but a reference of the first values is used from
        `window` values on, and grows to its size by what leaves the window.
    cap
        The first `cap` different categories of a reference, 1 … 200 of them,
        are separate classes; what comes beyond shares 16 classes, by a hash.
        Where there are fewer, all that the reference has never seen is one
        class. Rare categories, which no test could judge alone, count together.
    """

    bank: ClassVar[type[CodedBank]]

    def __init__(
        self,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        cap: int = 32,
        alpha: float = 1e-5,
        against: str = "warmup",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            self.bank(
                1,
                reference=reference,
                window=window,
                stride=stride,
                cap=cap,
                alpha=alpha,
                against=against,
            )
        )


def bounds(kind: int, alpha: float, reference: int, window: int, bins: int) -> Floats:
    """Tell what a statistic must exceed, or what that is made of; see each detector's notes.

    Parameters
    ----------
    kind
        Of `binned_statistics`.
    alpha
        Probability of exceeding it with both samples from one distribution.
    reference, window
        Sizes of the samples.
    bins
        Most bins.

    Returns
    -------
    ndarray of float64
        For those with a limit of χ²: its bound by degrees of freedom, 0 …
        bins - 1. Else one number.
    """
    if kind == by.KS:
        k = reference * window / (reference + window)
        return np.array([math.sqrt(math.log(2.0 / alpha) / (2.0 * k))])
    if kind == by.CVM:
        return np.array([chi2_bound(alpha / math.sqrt(2.0), 1)])
    if kind == by.W1:
        return np.array([math.sqrt(chi2_bound(alpha / 2.0, 1))])
    return np.array([chi2_bound(alpha, freedom) for freedom in range(bins)])


def _xlogx(most: int) -> Floats:
    counts = np.arange(most + 1.0)
    table: Floats = counts * np.log(np.maximum(counts, 1.0))
    return table
