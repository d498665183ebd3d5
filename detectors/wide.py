"""A bank whose slots hold a list beside their record: candidates, blocks, bets."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Bank, Ints
from detectors.slots import State, check_state, widened


class WideBank(Bank):
    """A record and one float64 array of fixed shape a slot.

    Parameters
    ----------
    blank
        What a new or reset slot's record holds.
    size
        Number of slots.
    wide
        Name of the array in the state.
    shape
        Its shape a slot. It is filled with zeros at first.
    """

    def __init__(self, blank: NDArray[Any], size: int, wide: str, shape: tuple[int, ...]) -> None:
        self._name = wide
        self._wide = np.zeros((0, *shape))
        super().__init__(blank, size)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing."""
        before = self.size
        super().resize(size)
        if len(self._records) > len(self._wide):
            self._wide = widened(self._wide, len(self._records))
        self._wide[before : self.size] = 0.0

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        self._wide[slots] = 0.0

    def state(self) -> State:
        """Copy all there is to know, as plain arrays."""
        return super().state() | {self._name: self._wide[: self.size].copy()}

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        super().load(state)
        self._wide = state[self._name].copy()

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return super().nbytes() + int(self._wide.nbytes)

    def _check(self, state: State) -> int:
        expected: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
            name: (self._blank.dtype[name].base, (-1, *self._blank.dtype[name].shape))
            for name in self._fields()
        }
        expected[self._name] = (self._wide.dtype, (-1, *self._wide.shape[1:]))
        size = check_state(type(self).__name__, state, expected)
        self._check_counts(state)
        return size

    def _check_counts(self, state: State) -> None:
        """Refuse counts with which the compiled loop would leave the array: none here."""
