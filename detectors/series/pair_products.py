"""PairProducts: the numeric features of many models, each row of them turned into one number."""

from typing import Any, Final, NamedTuple

import numpy as np

from streamproc.detectors.errors import ParameterError, ShapeError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.series import pair_products_kernel as kernel
from streamproc.detectors.series.standardise import Standardiser
from streamproc.detectors.slot_arrays import Arrays

OUTPUTS: Final = ("distance", "pair", "before", "after")
"""What a row is turned into."""
MAX_FEATURES: Final = 64
"""Features of a slot: pairs, and so cost, grow with the square of their number."""
LEARNING: Final = kernel.FIXED + kernel.CENTRE + kernel.REFERENCE + kernel.LAG
"""Rows before the first distance at the latest; 200 fewer if hardly a value is missing."""
_CLIP, _UNITS = 4.0, "units."

_BLANK = blank_record(
    {
        "n": (np.int64, 0),  # rows since the start
        "fixed": (np.int64, 0),  # rows by which the features were fixed; 0: not yet
    }
)


class PairChange(NamedTuple):
    """Two features, by their places, and their correlation in the reference and now."""

    one: int
    other: int
    before: float
    after: float


class PairProducts(Arrays):
    """How far each row of several numbers lies from what was, in the way that they vary together.

    Parameters
    ----------
    features
        Numbers in a row, 2 to 64.
    size
        Number of slots.

    Notes
    -----
    1. A feature has the robust unit of its first 200 values (`Standardiser`). Features with fewer
       than 200 values in the first 400 rows are left out for good.
    2. Its score is sin(0.8 z), an odd random Fourier feature of one frequency: bounded, so that no
       wild value counts, and correlated as the values are. 100 rows give the means of the scores,
       300 their correlations, of which the inverse root (shrunk, as Ledoit and Wolf do) makes the
       scores uncorrelated. That is the *reference*; it stays.
    3. Products of two such scores have the mean 0 while the features vary together as before. The
       *distance* of a row is the product of its products with the recent means (32 rows), cubed
       and of length 1. Its mean is about 0, and after a change it is by how much the products
       moved. It looks only at rows before, so that neighbouring distances are all but independent
       of each other, as detectors of means suppose.

    A change of one feature's mean or spread alone moves no product, unless the feature is
    correlated with others. A missing value counts as the centre; pairs with it are skipped. A
    feature that is mostly one value (kurtosis of its scores above 8), or stands still while the
    reference is learned, is left out.

    A slot of k features takes 12 k² + 44 k + 16 bytes.

    References
    ----------
    A. Rahimi, B. Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007.
    A. Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012.
    O. Ledoit, M. Wolf, "A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices",
    Journal of Multivariate Analysis 88, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors.series.pair_products import PairProducts
    >>> rows = np.random.default_rng(1).normal(size=(2, 2000))
    >>> rows[1] = 0.9 * np.where(np.arange(2000) < 1500, 1, -1) * rows[0] + 0.44 * rows[1]
    >>> distance, *_ = PairProducts(2, size=1).scan_all(rows)
    >>> bool(abs(distance[900:1500].mean()) < 0.2), bool(distance[1520:].mean() > 2)
    (True, True)
    """

    def __init__(self, features: int, size: int = 0) -> None:
        if not 2 <= features <= MAX_FEATURES:
            msg = f"features: expected 2 to {MAX_FEATURES}, got {features}"
            raise ParameterError(msg)
        self._features = features
        self._units = Standardiser(warmup=kernel.UNIT, clip=_CLIP)
        pairs = features * (features - 1) // 2
        wide: dict[str, tuple[Any, tuple[int, ...]]] = {
            "seen": (np.int64, (features,)),
            "matrix": (np.float32, (features, features)),
            "pairs": (np.float32, (4, pairs)),
            "scores": (np.float32, (4, features)),
        }
        super().__init__(_BLANK, size, wide)

    def resize(self, size: int) -> None:
        """Grow to `size` slots; a smaller size changes nothing."""
        super().resize(size)
        self._units.resize(size * self._features)

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        self._units.reset(self._unit_slots(slots).reshape(-1))

    def scan(self, values: Floats, columns: Ints, tasks: Ints, out: Floats) -> None:
        """Turn stretches of rows into distances.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous; NaN is missing, the rest finite.
        columns
            int64 (tasks, features): column of each feature; -1: missing throughout.
        tasks
            int64 (tasks, 3): start, stop, slot. A slot may be in one task only.
        out
            float64 (4, rows): the `OUTPUTS` of these rows are written, NaN where there is none.
            Pairs are numbered as those of `pair_of`; only rows with a distance above 0 have one.

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        self._check_scan(values, columns, tasks, out)
        self.scan_checked(values, columns, tasks, out)

    def scan_checked(self, values: Floats, columns: Ints, tasks: Ints, out: Floats) -> None:
        """Do as `scan` with arguments that are known to be right."""
        of_units = np.empty((*columns.shape, 4), np.int64)
        of_units[..., 0], of_units[..., 3] = columns, self._unit_slots(tasks[:, 2])
        of_units[..., 1], of_units[..., 2] = tasks[:, 0, None], tasks[:, 1, None]
        units = np.empty(values.shape)
        self._units.scan_checked(values, of_units[columns >= 0], units)
        wide = self._wide
        arrays = wide["seen"], wide["matrix"], wide["pairs"], wide["scores"]
        kernel.scan(values, units, columns, tasks, self._records, arrays, out)

    def scan_all(self, values: Floats) -> Floats:
        """Turn the columns of a matrix (features, rows) of slot 0 into (4, rows) outputs."""
        values = np.ascontiguousarray(values, np.float64)
        out = np.empty((len(OUTPUTS), values.shape[1]))
        columns = np.arange(self._features)[None]
        self.scan(values, columns, np.array([[0, values.shape[1], 0]]), out)
        return out

    def pair_of(self, outputs: Floats) -> PairChange | None:
        """Return the pair that changed most, from the (4,) outputs of a row; None without one."""
        _, pair, before, after = outputs.tolist()
        if not pair >= 0.0:
            return None
        one, other = (int(places[int(pair)]) for places in np.triu_indices(self._features, 1))
        return PairChange(one, other, before, after)

    def state(self) -> State:
        """Copy all there is to know, as plain arrays."""
        units = {f"{_UNITS}{name}": array for name, array in self._units.state().items()}
        return super().state() | units

    def load(self, state: State) -> None:
        """Take the place of the one that made `state`, to the last bit.

        Raises
        ------
        StateError
            If a name, type, shape or number does not fit.
        """
        units = Standardiser(warmup=kernel.UNIT, clip=_CLIP)
        units.load(
            {
                name.removeprefix(_UNITS): array
                for name, array in state.items()
                if name.startswith(_UNITS)
            }
        )
        own = {name: array for name, array in state.items() if not name.startswith(_UNITS)}
        size = len(own.get("n", ()))
        if units.size != size * self._features:
            msg = f"PairProducts: state has units of {units.size} features, and {size} slots"
            raise StateError(msg)
        super().load(own)
        self._units = units

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return super().nbytes() + self._units.nbytes()

    def _unit_slots(self, slots: Ints) -> Ints:
        found: Ints = slots[:, None] * self._features + np.arange(self._features)
        return found

    def _check_ranges(self, state: State) -> None:
        if (state["n"] < state["fixed"]).any() or (state["fixed"] < 0).any():
            msg = "PairProducts: state 'fixed' is below 0, or above 'n'"
            raise StateError(msg)

    def _check_scan(self, values: Floats, columns: Ints, tasks: Ints, out: Floats) -> None:
        rows = values.shape[-1]
        right = (
            (values.ndim, columns.shape) == (2, (len(tasks), self._features))
            and (tasks.shape[1:], out.shape) == ((3,), (len(OUTPUTS), rows))
            and all(array.dtype == np.float64 for array in (values, out))
            and all(array.dtype == np.int64 for array in (columns, tasks))
            and all(array.flags.c_contiguous for array in (values, columns, tasks, out))
            and bool((columns >= -1).all() and (columns < len(values)).all())
            and bool((tasks >= 0).all() and (tasks <= [rows, rows, self.size - 1]).all())
        )
        if not right:
            msg = (
                f"expected float64 values (columns, rows) and out (4, rows), int64 columns"
                f" (tasks, {self._features}) from -1, tasks (tasks, 3) within {self.size} slots"
            )
            raise ShapeError(msg)
