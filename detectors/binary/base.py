"""The error family: detectors that follow a model's errors, and what all of them share.

**ERROR = 1, CORRECT = 0, EVERYWHERE.** Every detector of this family takes 1
(or True) for a wrong answer and 0 (or False) for a right one, and alarms when
errors become more frequent. Libraries disagree about this: River 0.26.1's
FHDDM, for one, counts what its documentation calls errors as successes, and is
deaf to a model that gets worse unless it is fed the complement. Ours is not:
where a comparison with another library needs `1 - x`, the class says so.

What is neither 0 nor 1 is not an error stream. One value at a time it is
refused with `OutOfRangeError`. In a bank, where one series must not stop the
others, it is skipped as if it were missing and counted in `ErrorBank.refused`,
so that a slot which was given the wrong series is blind but not in silence.
HDDM-A and HDDM-W are about means of values in [0, 1] and take all of these.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import OutOfRangeError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.slots import State, blank_record


def error_record(fields: dict[str, tuple[Any, Any]]) -> NDArray[Any]:
    """Build a blank record of a detector of errors: its own fields and those that all share."""
    shared = {
        "refused": (np.int64, 0),
        "alarmed": (np.bool_, False),
        "warned": (np.bool_, False),
    }
    return blank_record(fields | shared)


@compiled
def is_error_or_not(value: float) -> bool:
    """Whether a value is 0 or 1."""
    return value == 0.0 or value == 1.0  # noqa: PLR1714 - compiled, a set would be built


@compiled
def is_share(value: float) -> bool:
    """Whether a value lies in [0, 1]."""
    return 0.0 <= value <= 1.0


@compiled
def is_number(value: float) -> bool:
    """Whether a value is there at all; if it is not an error, it counts as refused."""
    return value == value  # noqa: PLR0124 - not NaN


class ErrorBank(Bank):
    """A bank of the error family: ERROR = 1; see the module for values that are neither."""

    _ranges: Mapping[str, tuple[float, float]] = {}
    """Smallest and largest number of fields that a compiled loop uses as positions."""
    _loop: Callable[..., None]
    """Feeds every task until its first alarm: (values, tasks, records, limits, hits)."""
    _limits: tuple[Any, ...]
    """What the loop needs to know of the parameters."""

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right, writing into `hits`."""
        outputs = (hits.row, hits.statistic, hits.threshold)
        self._loop(values, tasks, self._records, self._limits, outputs)

    @property
    def warned(self) -> NDArray[np.bool_]:
        """(size,): slots in their warning zone after their last value."""
        warned: NDArray[np.bool_] = self._records["warned"][: self.size].copy()
        return warned

    @property
    def refused(self) -> Ints:
        """(size,): values that were skipped because they are not errors, since the last reset."""
        refused: Ints = self._records["refused"][: self.size].copy()
        return refused

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        self._check(state)
        for name, (low, high) in self._ranges.items():
            field = state[name]
            if field.min(initial=low) < low or field.max(initial=low) > high:
                msg = f"{type(self).__name__}: state {name!r} exceeds [{low:g}, {high:g}]"
                raise StateError(msg)
        super().load(state)


class ErrorDetector(Detector):
    """One detector of the error family on one series: ERROR = 1."""

    _bank: ErrorBank
    _takes_shares: ClassVar[bool] = False

    @property
    def warning_detected(self) -> bool:
        """Whether the last value left the detector in its warning zone."""
        return bool(self._bank.warned[0])

    def update(self, x: float) -> None:
        """Take one value; after an alarm, start afresh with it.

        Parameters
        ----------
        x
            1 (or True) for an error, 0 (or False) for none.

        Raises
        ------
        NotFiniteError
            If `x` is NaN or infinite; the detector is unchanged.
        OutOfRangeError
            If `x` is another number that the detector is not about; it is
            unchanged.
        """
        if math.isfinite(x) and not self._takes(x):
            allowed = "in [0, 1]" if self._takes_shares else "0 (correct) or 1 (error)"
            msg = f"{type(self).__name__}.update: expected {allowed}, got {x}"
            raise OutOfRangeError(msg)
        super().update(x)

    def _takes(self, x: float) -> bool:
        return 0.0 <= x <= 1.0 if self._takes_shares else x in (0.0, 1.0)
