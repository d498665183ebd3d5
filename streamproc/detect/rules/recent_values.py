"""Recognise values that a model had before, among its last ones."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.matrix import Ints
from streamproc.detectors.runtime.jit import compiled

Digests = NDArray[np.uint64]

_FREE: Final = -1
_MIN_SIZE: Final = 64  # entries of a table; a power of 2, as all sizes
# Odd, near 2 ** 64 divided by the golden ratio: spreads the bits of numbers that are near each
# other (Knuth, "The Art of Computer Programming", volume 3, section 6.4).
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_UPPER_HALF: Final = np.uint64(32)


class RecentValues:
    """The last values of a model, each with the position at which it came last.

    A hash table with open addressing. Values that have left the window stay in it until it is full;
    then those within the window are put into a new one, whose size follows from their number.

    Parameters
    ----------
    within
        Number of values in the window.

    Examples
    --------
    >>> recent = RecentValues(3)
    >>> codes = np.zeros(5, np.int8)
    >>> recent.judge(np.array([7, 8, 7, 9, 8], np.uint64), np.ones(5, np.bool_), 0, codes)
    >>> codes.tolist()  # 8 came three values before, 7 two values
    [0, 0, 1, 0, 1]
    """

    def __init__(self, within: int) -> None:
        self._within = within
        self._digests: Digests = np.zeros(_MIN_SIZE, np.uint64)
        self._positions: Ints = np.full(_MIN_SIZE, _FREE, np.int64)
        self._used = 0

    def judge(
        self, digests: Digests, judged: NDArray[np.bool_], position: int, codes: NDArray[np.int8]
    ) -> None:
        """Tell for each value whether it is among those before it.

        Parameters
        ----------
        digests
            (events,): stand for the values; equal values have equal ones.
        judged
            (events,): whether an event has a value.
        position
            Number of values before the first one.
        codes
            (events,): filled with 1 (it came before), 0 (it did not) or -1 (not judged).
        """
        done = 0
        while True:
            found = _judge(
                (self._digests, self._positions),
                (digests[done:], judged[done:]),
                (self._within, position, self._used),
                codes[done:],
            )
            size, position, self._used = found
            done += size
            if done == len(digests):
                return
            self._rebuild(position)

    def state(self, position: int) -> tuple[Digests, NDArray[np.int32]]:
        """Return the values in the window and how many values ago they came, the oldest first.

        Parameters
        ----------
        position
            Number of values so far.
        """
        held = self._positions >= max(0, position - self._within)
        digests, ages = self._digests[held], position - self._positions[held]
        order = np.argsort(-ages)
        return digests[order], ages[order].astype(np.int32)

    def load(self, digests: Digests, ages: NDArray[np.int32], position: int) -> None:
        """Continue from a state.

        Raises
        ------
        ValueError
            If ages do not fall from one value to the next, or are not within the window.
        """
        limit = min(self._within, position)
        falling = np.diff(ages.astype(np.int64), prepend=limit + 1, append=0)
        if (falling >= 0).any():
            msg = f"ages of values do not fall from {limit} or less to 1 or more"
            raise ValueError(msg)
        self._fill(digests, position - ages.astype(np.int64))

    def _rebuild(self, position: int) -> None:
        held = self._positions >= max(0, position - self._within)
        self._fill(self._digests[held], self._positions[held])

    def _fill(self, digests: Digests, positions: Ints) -> None:
        """Put values into a new table, of which they take less than half."""
        size = max(_MIN_SIZE, 1 << (2 * len(digests)).bit_length())
        self._digests = np.zeros(size, np.uint64)
        self._positions = np.full(size, _FREE, np.int64)
        self._used = len(digests)
        _insert((self._digests, self._positions), digests, positions)


@compiled
def _find(digests: Digests, positions: Ints, digest: np.uint64) -> int:
    """Return the place of a value in a table, or the free one that it would take."""
    mask = len(digests) - 1
    place = np.int64((digest * _SPREAD) >> _UPPER_HALF) & mask
    while positions[place] != _FREE and digests[place] != digest:
        place = (place + 1) & mask
    return int(place)


@compiled
def _insert(table: tuple[Digests, Ints], digests: Digests, positions: Ints) -> None:
    for at in range(len(digests)):
        place = _find(table[0], table[1], digests[at])
        table[0][place], table[1][place] = digests[at], positions[at]


@compiled
def _judge(
    table: tuple[Digests, Ints],
    values: tuple[Digests, NDArray[np.bool_]],
    window: tuple[int, int, int],
    codes: NDArray[np.int8],
) -> tuple[int, int, int]:
    """Judge values until the table has no room; return how many, and the window after them."""
    within, position, used = window
    size = len(table[0])
    for at in range(len(values[0])):
        if not values[1][at]:
            codes[at] = -1
            continue
        place = _find(table[0], table[1], values[0][at])
        last = table[1][place]
        if last == _FREE:
            if 4 * used >= 3 * size:
                return at, position, used
            used += 1
            table[0][place] = values[0][at]
        codes[at] = last != _FREE and position - last <= within
        table[1][place] = position
        position += 1
    return len(values[0]), position, used
