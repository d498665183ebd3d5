"""Do with short arrays what numpy does, without its fixed cost per call."""

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

_FLOAT, _INT = np.dtype(np.float64), np.dtype(np.int64)
_FLAGS: Final[tuple[Literal["C", "W"], ...]] = ("C", "W")


@compiled
def any_hit(row: Ints) -> bool:
    """Whether any row number is 0 or more: -1 stands for no alarm."""
    for number in row:  # noqa: SIM110 - a loop is what is compiled
        if number >= 0:
            return True
    return False


def native_floats(array: NDArray[Any]) -> Floats:
    """Return an array as compiled loops take it: float64, C-contiguous and writable.

    It is a copy only if it is not so already: ``np.require`` alone takes ten times as long. A
    read-only view of a log would be another type to a loop, and compiled for seconds, in service.
    """
    if array.dtype == _FLOAT and array.flags.carray:
        return array
    return np.require(array, np.float64, _FLAGS)


def native_ints(array: NDArray[Any]) -> Ints:
    """Return an array as `native_floats` does, of int64."""
    if array.dtype == _INT and array.flags.carray:
        return array
    return np.require(array, np.int64, _FLAGS)
