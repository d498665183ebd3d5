"""Records of many series, one a slot, that grow, reset, save and load as one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.errors import ShapeError, StateError
from streamproc.detectors.runtime.growing_arrays import opaque, widen
from streamproc.detectors.runtime.jit import compiled

State = dict[str, NDArray[Any]]
"""Named arrays, each with one entry a slot (or a list of the slots that it is about)."""

GROWTH = 1.25
"""Room after growing. The spare room of large arrays takes no memory until it is written."""


class Slots:
    """One record a slot, in one array.

    Parameters
    ----------
    blank
        What a new or reset slot holds: a structured scalar.
    size
        Number of slots.

    Notes
    -----
    One record rather than one array a field: a value then touches one or two
    cache lines of its series, which is what 200,000 series cost.
    """

    lists: ClassVar[frozenset[str]] = frozenset()
    """Arrays of the state that have other rows than one a slot."""

    def __init__(self, blank: NDArray[Any], size: int) -> None:
        self._blank = blank
        self._records: NDArray[Any] = np.empty(0, blank.dtype)
        self._size = 0
        self.resize(size)

    @property
    def size(self) -> int:
        """Number of slots."""
        return self._size

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing.

        Parameters
        ----------
        size
            Slots wanted, 0 or more.
        """
        if size <= self._size:
            return
        if size > len(self._records):
            capacity = max(size, int(len(self._records) * GROWTH))
            widen(vars(self), "_records", capacity, self._size)
        opaque(self._records)[self._size : size] = opaque(self._blank)
        self._size = size

    def reset(self, slots: NDArray[np.int64]) -> None:
        """Make slots as good as new.

        Parameters
        ----------
        slots
            Their numbers, int64, each in [0, size).
        """
        opaque(self._records)[slots] = opaque(self._blank)

    def state(self) -> State:
        """Copy all there is to know, as plain arrays.

        Returns
        -------
        dict of str to ndarray
            One array a field, one entry a slot. Equal histories give equal
            arrays, however the values were cut into calls.
        """
        return {name: self._records[name][: self._size].copy() for name in self._fields()}

    def load(self, state: State) -> None:
        """Take the place of the object that made `state`, to the last bit.

        Parameters
        ----------
        state
            What `state()` gave, of an object with the same parameters.

        Raises
        ------
        StateError
            If a name, type or shape differs; nothing was changed.
        """
        size = self._check(state)
        self._records = np.empty(size, self._blank.dtype)
        for name in self._fields():
            self._records[name] = state[name]
        self._size = size

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return int(self._records.nbytes)

    def _check(self, state: State) -> int:
        expected = {
            name: (self._blank.dtype[name].base, (-1, *self._blank.dtype[name].shape))
            for name in self._fields()
        }
        return check_state(type(self).__name__, state, expected)

    def _fields(self) -> tuple[str, ...]:
        return self._blank.dtype.names or ()


def check_state(
    owner: str, state: State, expected: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]
) -> int:
    """Refuse a state whose names, types or shapes are not the expected ones.

    Parameters
    ----------
    owner
        Who loads it, for the message.
    state
        Named arrays.
    expected
        Type and shape by name; a length of -1 is the number of slots, which
        all of them must share.

    Returns
    -------
    int
        The number of slots.
    """
    odd = sorted(state.keys() ^ expected.keys())
    if odd:
        msg = f"{owner}: state lacks or has too much: {odd}; expected {sorted(expected)}"
        raise StateError(msg)
    # The length that most arrays share is right, so that the message blames the odd one.
    lengths = Counter(len(state[name]) for name in expected if state[name].ndim)
    size = max(lengths, key=lengths.__getitem__, default=0)
    for name, (dtype, shape) in expected.items():
        wanted = tuple(size if length == -1 else length for length in shape)
        array = state[name]
        if array.dtype != dtype or array.shape != wanted:
            msg = (
                f"{owner}: state {name!r} is {array.dtype} {array.shape}, expected {dtype} {wanted}"
            )
            raise StateError(msg)
    return size


def check_scan(size: int, values: NDArray[Any], tasks: NDArray[Any], *by_row: NDArray[Any]) -> int:
    """Refuse what a compiled loop could not survive: it does not check its bounds.

    Parameters
    ----------
    size
        Number of slots.
    values
        Must be float64, (columns, rows), C-contiguous.
    tasks
        Must be int64, (tasks, 4), C-contiguous: column, start, stop, slot, all
        within range.
    *by_row
        Must have one entry for each row of the values.

    Returns
    -------
    int
        Rows of the longest task.

    Raises
    ------
    ShapeError
        If anything is not as above.
    """
    if values.ndim != 2 or values.dtype != np.float64 or not values.flags.c_contiguous:
        msg = f"values: expected C-contiguous float64 (columns, rows), got {_shown(values)}"
        raise ShapeError(msg)
    if (
        tasks.ndim != 2
        or tasks.shape[1] != 4
        or tasks.dtype != np.int64
        or not tasks.flags.c_contiguous
    ):
        msg = f"tasks: expected C-contiguous int64 (tasks, 4), got {_shown(tasks)}"
        raise ShapeError(msg)
    columns, rows = values.shape
    for array in by_row:
        if array.shape != (rows,):
            msg = f"values have {rows} rows, but their times or offsets are {_shown(array)}"
            raise ShapeError(msg)
    longest, wrong = _longest(tasks, columns, rows, size)
    if wrong >= 0:
        msg = (
            f"tasks: {tasks[wrong].tolist()} (column, start, stop, slot) is not within "
            f"{columns} columns, {rows} rows, {size} slots"
        )
        raise ShapeError(msg)
    return longest


@compiled
def _longest(tasks: NDArray[np.int64], columns: int, rows: int, size: int) -> tuple[int, int]:
    """Rows of the longest task, and the index of one out of range or -1."""
    longest = 0
    for k in range(tasks.shape[0]):
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        if not (0 <= column < columns and start >= 0 and stop <= rows and 0 <= slot < size):
            return longest, k
        longest = max(longest, stop - start)
    return longest, -1


def _shown(array: NDArray[Any]) -> str:
    order = "contiguous" if array.flags.c_contiguous else "strided"
    return f"{order} {array.dtype} {array.shape}"


def every_row(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tasks that feed all of row s of a matrix to slot s."""
    tasks = np.zeros((len(values), 4), np.int64)
    tasks[:, 0] = tasks[:, 3] = np.arange(len(values))
    tasks[:, 2] = values.shape[1]
    return tasks


def blank_record(fields: dict[str, tuple[Any, Any]]) -> NDArray[Any]:
    """Build a structured scalar from name → (type, value), fields aligned for the processor."""
    dtype = np.dtype([(name, kind) for name, (kind, _) in fields.items()], align=True)
    record = np.zeros((), dtype)
    for name, (_, value) in fields.items():
        record[name] = value
    return record
