"""Divergences of two histograms: comparisons in which every bin counts alike."""

from typing import ClassVar, Unpack

from streamproc.detectors.distribution.windowed_test import BINNED, BinnedBank, BinnedDetector
from streamproc.detectors.runtime.params import Param
from streamproc.detectors.runtime.run_length import ByArl

DIVERGENCE = tuple(
    Param("bins", 8, "bins, fewer where values repeat", low=4, high=256)
    if param.name == "bins"
    else param
    for param in BINNED
)


class DivergenceBank(BinnedBank):
    """Many detectors of one kind; parameters as in the detector itself.

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
        bins: int = 8,
        alpha: float = 1e-5,
        against: str = "warmup",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            size,
            reference=reference,
            window=window,
            stride=stride,
            bins=bins,
            alpha=alpha,
            against=against,
        )


class DivergenceDetector(BinnedDetector):
    """One series of numbers; what the divergences share.

    Parameters
    ----------
    reference, window, stride, alpha, against
        As in `BinnedDetector`.
    bins
        4 … 256. Few: each adds its own noise to the sum, and they know no
        order. A shift of half a deviation takes 190 values with 8 bins, 240
        with 16, 535 with 32.
    """

    bank: ClassVar[type[DivergenceBank]]

    def __init__(
        self,
        reference: int = 500,
        window: int = 200,
        stride: int = 10,
        bins: int = 8,
        alpha: float = 1e-5,
        against: str = "warmup",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(reference, window, stride, bins, alpha, against)
