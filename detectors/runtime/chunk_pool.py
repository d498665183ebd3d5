"""Pieces: values that wait in one pool, a few at a time for each of many slots."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.growing_arrays import widen
from streamproc.detectors.runtime.jit import compiled

WIDTH: Final = 25
"""Values in a piece: most of a company's many series have few values for long."""
SMALL: Final = 512
"""Pieces kept without asking whether they are still needed: 100 kB."""


class Pool(NamedTuple):
    """What the loops see.

    Attributes
    ----------
    values
        float64 (pieces, width).
    links
        int32 (pieces,): the piece before each in its slot, -1: it is the first.
    free
        int32 (pieces,): at its beginning those that nobody holds.
    spare
        int64 (1,): how many those are.
    """

    values: Floats
    links: NDArray[np.int32]
    free: NDArray[np.int32]
    spare: Ints


class ChunkPool:
    """Room for a number of values a slot, taken as they come.

    Parameters
    ----------
    most
        Values that a slot may hold, 1 or more.

    Notes
    -----
    A slot knows its last piece, -1 of none, and how many values it holds; each
    piece is linked to the one before it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.pool = _pool(np.empty((0, min(WIDTH, most))), np.empty(0, np.int32))

    def state(self, last: NDArray[np.int32], filled: NDArray[np.int32]) -> Floats:
        """(pieces, width): the values of slots, piece by piece in their order, and zeros."""
        ends, width = np.cumsum(self._taken(filled)), self.pool.values.shape[1]
        order = np.empty(ends[-1] if len(ends) else 0, np.int32)
        rows = ends - 1
        while len(rows):
            order[rows] = last
            last = self.pool.links[last]
            rows, last = rows[last >= 0] - 1, last[last >= 0]
        values = self.pool.values[order]
        tails = values[ends - 1]
        tails[np.arange(width) > (filled - 1)[:, None] % width] = 0.0
        values[ends - 1] = tails
        return values

    def shape(self, filled: NDArray[np.int32]) -> tuple[int, int]:
        """Give the shape of what `state` gives."""
        return int(self._taken(filled).sum()), self.pool.values.shape[1]

    def cut(self, arrays: Floats, filled: NDArray[np.int32]) -> Floats:
        """Give what `state` gives, from (slots, most): how it was saved before."""
        slots, width = len(arrays), self.pool.values.shape[1]
        count = -(-self._most // width)
        padded = np.zeros((slots, count * width))
        padded[:, : self._most] = arrays
        used = np.arange(count) < self._taken(filled)[:, None]
        return np.asarray(padded.reshape(slots, count, width)[used])

    def load(self, values: Floats, filled: NDArray[np.int32]) -> NDArray[np.int32]:
        """Take the place of that which gave `values`; returns the last piece of each slot."""
        taken = self._taken(filled)
        links = np.arange(-1, len(values) - 1, dtype=np.int32)
        ends = np.cumsum(taken, dtype=np.int32)
        links[ends - taken] = -1
        self.pool = _pool(values.copy(), links)
        return ends - 1

    def free(self, last: NDArray[np.int32]) -> None:
        """Let go of all that slots hold."""
        pool = self.pool
        while len(last := last[last >= 0]):
            begin = int(pool.spare[0])
            pool.free[begin : begin + len(last)] = last
            pool.spare[0] += len(last)
            last = pool.links[last]

    def widen(self, slots: int) -> None:
        """Add room for the next value of some slots, and for all of one.

        An eighth at least: where series come a few at a time all would be moved for each few.
        """
        before, width = self.pool.values.shape
        more = min(max(slots, before // 8), max(SMALL, before // 2))
        after = before + max(more, -(-self._most // width))
        count = int(self.pool.spare[0])
        arrays = self.pool._asdict()
        del self.pool  # who holds no view of an array need not copy it
        for name, used in (("values", before), ("links", before), ("free", count)):
            widen(arrays, name, after, used)
        pool = self.pool = Pool(**arrays)
        # The first are taken first: those behind take no memory until they are.
        pool.free[count : count + after - before] = np.arange(before, after)[::-1]
        pool.spare[0] += after - before

    def shrunk(self) -> NDArray[np.int32] | None:
        """Give unused memory back; returns where each piece now lies, and -1 in the end.

        None if little is unused.
        """
        pool, count = self.pool, int(self.pool.spare[0])
        if len(pool.values) <= SMALL or count <= len(pool.values) // 2:
            return None
        used = np.ones(len(pool.values), np.bool_)
        used[pool.free[:count]] = False
        moved = np.append(np.cumsum(used, dtype=np.int32) - 1, np.int32(-1)).astype(np.int32)
        self.pool = _pool(pool.values[used], moved[pool.links[used]])
        return moved

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return sum(int(array.nbytes) for array in self.pool)

    def _taken(self, filled: NDArray[np.int32]) -> NDArray[np.int32]:
        return -(-filled // np.int32(self.pool.values.shape[1]))


def _pool(values: Floats, links: NDArray[np.int32]) -> Pool:
    return Pool(values, links, np.empty(len(values), np.int32), np.zeros(1, np.int64))


@compiled
def suffices(pool: Pool, filled: int, more: int) -> bool:
    """Whether there is room for `more` values of a slot that holds `filled`."""
    width = pool.values.shape[1]
    held, wanted = (filled + width - 1) // width, (filled + more + width - 1) // width
    return bool(wanted - held <= pool.spare[0])


@compiled
def put(pool: Pool, last: int, filled: int, value: float) -> int:
    """Add a value to a slot; returns its last piece."""
    place = filled % pool.values.shape[1]
    if place == 0:
        pool.spare[0] -= 1
        piece = pool.free[pool.spare[0]]
        pool.links[piece] = last
        last = piece
    pool.values[last, place] = value
    return last


@compiled
def gather(pool: Pool, last: int, filled: int, out: Floats) -> None:
    """Write the values of a slot in their order."""
    width = pool.values.shape[1]
    end = filled
    while last >= 0:
        begin = (end - 1) // width * width
        for i in range(begin, end):
            out[i] = pool.values[last, i - begin]
        end, last = begin, pool.links[last]


@compiled
def let_go(pool: Pool, last: int) -> None:
    """Free all pieces of a slot."""
    while last >= 0:
        pool.free[pool.spare[0]] = last
        pool.spare[0] += 1
        last = pool.links[last]
