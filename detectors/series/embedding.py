"""Embedder: many series of vectors, each turned into numbers that detectors can watch."""

from typing import Any

import numpy as np

from streamproc.detectors.errors import ShapeError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.series import embedding_kernel as kernel
from streamproc.detectors.slot_arrays import Arrays

SEED = 20_260_105
"""Of the random Fourier features: the same in every process, so that alerts are."""
OUTPUTS = ("norm", "direction", "mmd")
"""The numbers that a vector is turned into, in their order."""

_BLANK = blank_record(
    {
        "n": (np.int64, 0),  # vectors since the last start
        "length": (np.int64, 0),  # numbers in a vector; 0: not known yet
        "odd_length": (np.int64, 0),  # another length that the last vectors had
        "odd": (np.int64, 0),  # how many of them
        "width": (np.float64, 0.0),  # of the kernel
        "square": (np.float64, 0.0),  # mean square of the third output
        "moved": (np.float64, 0.0),  # how long it has been above 0
    }
)


class Embedder(Arrays):
    """Three numbers a vector: its norm, its direction, and how far it lies from what was.

    Parameters
    ----------
    size
        Number of slots.

    Notes
    -----
    - *norm*: Euclidean length, in the unit of the vectors, 0 or more.
    - *direction*: cosine of the angle with the mean direction of the vectors
      before, -1 … 1. It says by how much the mean turned.
    - *mmd*: where the vector lies between the reference and the recent ones, in
      the space of random Fourier features of a Gaussian kernel, whose width is
      the median distance of the first neighbours. About 0 while nothing
      changes; after a change of any kind its mean is the maximum mean
      discrepancy of then and now, at most √2.

    Each looks only at vectors that came before, so that without a change the
    numbers of neighbouring vectors are all but independent, which is what
    detectors of means suppose; a distance of two moving windows would not be. All
    but the norm begin after some vectors (64 and 128), all are missing for a
    vector that is empty, or of another length than the series has. After 64 in
    a row of one other length the series has that length, and begins again; so it
    does some time after a change, with the values since then as reference.

    A slot holds 2.4 kB whatever the length of its vectors.

    References
    ----------
    A. Rahimi, B. Recht, "Random Features for Large-Scale Kernel Machines",
    NIPS 2007.
    A. Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012.
    K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning",
    ICML 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import Embedder
    >>> vectors = np.random.default_rng(1).normal(size=(1000, 8))
    >>> vectors[500:, 0] += 2
    >>> norm, direction, mmd = Embedder(1).scan_all(vectors)
    >>> mmd[400:500].mean().round(1), mmd[550:600].mean().round(1)
    (np.float64(0.0), np.float64(0.3))
    """

    def __init__(self, size: int = 0) -> None:
        rng = np.random.default_rng(SEED)
        turns = rng.uniform(0.0, 2.0 * np.pi, (1, kernel.WAVES))
        self._angles = np.vstack([rng.normal(size=(kernel.SKETCH, kernel.WAVES)), turns])
        wide: dict[str, tuple[Any, tuple[int, ...]]] = {
            "places": (np.float64, (4, kernel.SKETCH)),
            "distances": (np.float64, (kernel.PAIRS,)),
        }
        super().__init__(_BLANK, size, wide)

    def scan(self, flat: Floats, bounds: Ints, tasks: Ints, out: Floats) -> None:
        """Turn stretches of vectors into numbers.

        Parameters
        ----------
        flat
            float64: the numbers of all vectors, one vector behind the other; finite.
        bounds
            int64 (rows + 1,): row t is `flat[bounds[t]:bounds[t + 1]]`; an empty one
            is missing.
        tasks
            int64 (tasks, 3): start, stop, slot. Rows [start, stop) go to the slot, in
            order. A slot may be in one task only.
        out
            float64 (3, rows): the `OUTPUTS` of these rows are written, NaN where
            missing.

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        self._check_scan(flat, bounds, tasks, out)
        arrays = (self._wide["places"], self._wide["distances"])
        kernel.scan(flat, bounds, tasks, self._records, arrays, self._angles, out)

    def scan_all(self, vectors: Floats) -> Floats:
        """Turn the rows of a matrix, the vectors of slot 0, into (3, rows) numbers."""
        rows, length = vectors.shape
        out = np.empty((len(OUTPUTS), rows))
        flat = np.ascontiguousarray(vectors, np.float64).reshape(-1)
        self.scan(flat, np.arange(rows + 1) * length, np.array([[0, rows, 0]]), out)
        return out

    def _check_ranges(self, state: State) -> None:
        for name in ("n", "length", "odd", "odd_length"):
            if (state[name] < 0).any():
                msg = f"Embedder: state {name!r} is below 0"
                raise StateError(msg)

    def _check_scan(self, flat: Floats, bounds: Ints, tasks: Ints, out: Floats) -> None:
        rows = len(bounds) - 1
        right = (
            (flat.ndim, bounds.ndim, tasks.shape[1:]) == (1, 1, (3,))
            and out.shape == (len(OUTPUTS), rows)
            and all(array.dtype == np.float64 for array in (flat, out))
            and all(array.dtype == np.int64 for array in (bounds, tasks))
            and all(array.flags.c_contiguous for array in (flat, bounds, tasks, out))
            and bounds[0] >= 0
            and bounds[-1] <= len(flat)
            and bool((np.diff(bounds) >= 0).all())
            and bool((tasks >= 0).all() and (tasks <= [rows, rows, self.size - 1]).all())
        )
        if not right:
            msg = (
                f"expected flat float64 (n,), bounds int64 (rows + 1,) that rise within it, tasks"
                f" int64 (tasks, 3) within {rows} rows and {self.size} slots, out (3, {rows})"
            )
            raise ShapeError(msg)
