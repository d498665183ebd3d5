"""Slots that hold more than a record: rows whose length depends on parameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.bank import Bank
from streamproc.detectors.errors import StateError
from streamproc.detectors.runtime.dtypes import Ints
from streamproc.detectors.runtime.growing_arrays import widen
from streamproc.detectors.runtime.slots import Slots, State, check_state


class Arrays(Slots, ABC):
    """Slots with arrays of one entry each beside their records.

    Parameters
    ----------
    blank
        What a new or reset slot holds: a structured scalar.
    size
        Number of slots.
    wide
        Name → (type, shape of one slot's entry); zero in a new or reset slot.
    """

    def __init__(
        self, blank: NDArray[Any], size: int, wide: Mapping[str, tuple[Any, tuple[int, ...]]]
    ) -> None:
        self._wide: dict[str, NDArray[Any]] = {
            name: np.zeros((0, *shape), kind) for name, (kind, shape) in wide.items()
        }
        super().__init__(blank, size)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing."""
        before = self.size
        super().resize(size)
        for name in tuple(self._wide):
            if len(self._records) > len(self._wide[name]):
                widen(self._wide, name, len(self._records), before)
            self._wide[name][before : self.size] = 0

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        for array in self._wide.values():
            array[slots] = 0

    def state(self) -> State:
        """Copy all there is to know, as plain arrays."""
        wide = {name: array[: self.size].copy() for name, array in self._wide.items()}
        return super().state() | wide

    def load(self, state: State) -> None:
        """Take the place of the one that made `state`, to the last bit.

        Raises
        ------
        StateError
            If a name, type, shape or number does not fit; nothing was changed.
        """
        fields = {
            name: (self._blank.dtype[name].base, (-1, *self._blank.dtype[name].shape))
            for name in self._fields()
        }
        wide = {name: (array.dtype, (-1, *array.shape[1:])) for name, array in self._wide.items()}
        check_state(type(self).__name__, state, fields | wide)
        self._check_ranges(state)
        super().load({name: state[name] for name in fields})
        self._wide = {name: state[name].copy() for name in wide}

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return super().nbytes() + sum(int(array.nbytes) for array in self._wide.values())

    @abstractmethod
    def _check_ranges(self, state: State) -> None:
        """Refuse numbers that the compiled loop would read or write out of bounds with."""

    def _refuse_outside(self, state: State, limits: Mapping[str, tuple[int, int]]) -> None:
        """Refuse arrays with a number below the first or above the second limit."""
        for name, (low, high) in limits.items():
            if ((state[name] < low) | (state[name] > high)).any():
                msg = f"{type(self).__name__}: state {name!r} is not within {low} … {high}"
                raise StateError(msg)


class ArraysBank(Arrays, Bank):
    """A bank with arrays of one entry a slot beside its records; parameters as in `Arrays`."""
