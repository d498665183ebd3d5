"""FOCuS: the likelihood ratio of a change, maximised over its time and both means, exactly.

`threshold` trades false alarms for delay; it is a log-likelihood ratio. Runs until
a false alarm grow like exp(threshold), so each factor of 10 in them costs about
2.3 of threshold, and a shift of s deviations is found after about
2 · threshold / s² values. No smallest shift has to be chosen.
"""

from typing import Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.mean import focus_kernel as kernel
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

FAMILIES = ("gaussian", "bernoulli", "poisson", "gamma")

PARAMS = (
    Param("threshold", 18.0, "log-likelihood ratio that alarms: more, fewer alarms", low=0.0),
    Param(
        "penalty",
        0.0,
        "more for short stretches: more, slower on large changes, faster on small ones",
        low=0.0,
        high=100.0,
    ),
    Param("family", "gaussian", "distribution of the values", choices=FAMILIES),
    Param("before", "unknown", "mean before the change", choices=("unknown", "known")),
    Param("level", 0.0, "that mean, if it is known", low=-1e15, high=1e15),
    Param("shape", 1.0, "shape of gamma values; 1 is exponential", low=0.0, high=1e9, above=True),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
    Param("candidates", 32, "places of a change kept for each direction", low=4, high=1024),
)

_BLANK = blank_record(
    {
        "origin": (np.float64, 0.0),
        "n": (np.float64, 0.0),
        "total": (np.float64, 0.0),
        "past": (np.float64, 0.0),
        "bound": (np.float64, 0.0),
        "gain": (np.float64, 0.0),
        "need": (np.float64, 0.0),
        "place": (np.float64, 0.0),
        "ups": (np.int32, 1),
        "downs": (np.int32, 1),
        "alarmed": (np.bool_, False),
    }
)


class FOCuSBank(ArraysBank):
    """Many FOCuS tests; parameters as in `FOCuS`.

    Parameters
    ----------
    size
        Number of slots.
    threshold, penalty, family, before, level, shape, mode, candidates
        As in `FOCuS`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    A slot holds 88 bytes and 32 more for each of `candidates`: 1.1 kB by default.
    """

    def __init__(  # noqa: PLR0913 - one for each parameter of the test, by name alone
        self,
        size: int = 0,
        *,
        threshold: float = 18.0,
        penalty: float = 0.0,
        family: str = "gaussian",
        before: str = "unknown",
        level: float = 0.0,
        shape: float = 1.0,
        mode: str = "both",
        candidates: int = 32,
        **_: Unpack[ByArl],
    ) -> None:
        given: dict[str, object] = {"threshold": threshold, "penalty": penalty}
        given |= {"family": family, "before": before, "level": level, "shape": shape}
        given |= {"mode": mode, "candidates": candidates}
        check_params("FOCuS", PARAMS, given)
        known = before == "known"
        if known:
            _check_level(family, level)
        self._limits = (float(threshold), float(penalty), known, mode != "down", mode != "up")
        blank = _BLANK.copy()
        if known and family == "gaussian":
            blank["origin"], level = level, 0.0
        self._model = (FAMILIES.index(family), float(shape), float(level))
        super().__init__(blank, size, {"hulls": (np.float64, (2, candidates, 2))})

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        kernel.scan(
            values,
            tasks,
            self._records,
            self._wide["hulls"],
            self._limits,
            self._model,
            (hits.row, hits.statistic, hits.threshold),
        )

    def evidence(self, slot: int) -> tuple[float, int]:
        """Tell the statistic of a slot as it stands.

        Parameters
        ----------
        slot
            Its number.

        Returns
        -------
        tuple of float and int
            The log-likelihood ratio of the place that is nearest to an alarm (the
            largest of all, without `penalty`), and how many values came after
            that place; both 0 where nothing speaks for a change.
        """
        head, hulls = self._records[slot].copy(), self._wide["hulls"][slot]
        head["gain"], head["need"], head["place"] = 0.0, np.inf, head["n"]
        for hull, count in ((hulls[0], head["ups"]), (hulls[1], head["downs"])):
            kernel.look(head, hull, count, self._limits, self._model)
        return float(head["gain"]), int(head["n"] - head["place"])

    def _check_ranges(self, state: State) -> None:
        capacity = state["hulls"].shape[2]
        self._refuse_outside(state, {"ups": (1, capacity), "downs": (1, capacity)})


class FOCuS(Detector):
    """Functional online CUSUM on one series.

    After every value, compares the likelihood of one mean with that of two, at
    the best place and with the best means of all: what CUSUM does for one known
    shift and a moving window for one length is done for all at once.

    Parameters
    ----------
    threshold
        Log-likelihood ratio that alarms, 0 or more. By simulation on N(0, 1)
        values 18 lasts beyond a million of them.
    penalty
        0, the published test, treats changes of all lengths alike, so that most
        of its false alarms are short. Above, a place with n0 values before and
        n1 after it needs threshold · (1 + penalty · √(threshold · (1/n0 + 1/n1)))²:
        for the same number of false alarms the threshold is lower, small changes
        are found earlier and large ones a few values later. √2 / 3 is the shape
        of Bernstein's inequality, and so of ADWIN's bound; it also covers values
        whose tails are heavier than the family's.
    family
        `gaussian`: values of deviation 1, standardise them first. `bernoulli`:
        0 or 1, or shares between. `poisson`: counts, 0 or more. `gamma`: above
        0, of known `shape`. A value outside counts as the nearest one inside.
    before
        Whether the mean before the change is `known`. Unknown is the safer and
        barely slower: a wrong known mean is a change.
    level
        That mean, within the family's values; unused if unknown.
    shape
        Of gamma values, above 0: mean² / variance. Unused by others.
    mode
        `up`, `down` or `both`: the direction of the mean that alarms.
    candidates
        Places of a change kept for each direction, 4 or more. About log(n) are
        needed after n values: 12 ± 3 after 100,000, 21 ± 4 after 10⁹. Past that
        number the place where a change is the least likely is forgotten, which
        adds no alarm and hardly delays one: on a trend, which needs 30, half of
        them keep 99 % of the statistic.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `level` outside of the family.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    Without `penalty` the statistic equals the maximum over all places to
    rounding; with it the same places, corners of a hull, are compared. A step costs
    a few comparisons, amortised, whatever the length: see
    `streamproc.detectors.mean.focus_kernel`.

    References
    ----------
    G. Romano, I. A. Eckley, P. Fearnhead, G. Rigaill, "Fast Online Changepoint
    Detection via Functional Pruning CUSUM Statistics", Journal of Machine
    Learning Research 24, 2023.
    K. Ward, G. Romano, I. Eckley, P. Fearnhead, "A constant-per-iteration
    likelihood ratio test for online changepoint detection for exponential
    family models", Statistics and Computing 34, 2024.

    Examples
    --------
    >>> from streamproc.detectors import FOCuS
    >>> detector = FOCuS()
    >>> for i in range(200):
    ...     detector.update(i % 2 + (2.0 if i >= 100 else 0.0))
    ...     if detector.drift_detected:
    ...         print(i, detector.since, round(detector.statistic, 1))
    109 10 18.2
    """

    _bank: FOCuSBank

    def __init__(
        self,
        threshold: float = 18.0,
        penalty: float = 0.0,
        family: str = "gaussian",
        before: str = "unknown",
        level: float = 0.0,
        shape: float = 1.0,
        mode: str = "both",
        candidates: int = 32,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            FOCuSBank(
                1,
                threshold=threshold,
                penalty=penalty,
                family=family,
                before=before,
                level=level,
                shape=shape,
                mode=mode,
                candidates=candidates,
            )
        )

    @property
    def statistic(self) -> float:
        """Log-likelihood ratio of a change at the place that is nearest to an alarm."""
        return self._bank.evidence(0)[0]

    @property
    def since(self) -> int:
        """Values after the most likely place of a change; 0 where nothing speaks for one."""
        return self._bank.evidence(0)[1]


def _check_level(family: str, level: float) -> None:
    """Refuse a mean that no distribution of the family has."""
    low, high = {"gaussian": (-np.inf, np.inf), "bernoulli": (0.0, 1.0)}.get(family, (0.0, np.inf))
    if not low < level < high:
        msg = f"FOCuS.level: expected a mean of {family} values in ({low:g}, {high:g}), got {level}"
        raise ParameterError(msg)


ENTRY = entry(
    "focus",
    "mean",
    (FOCuS, FOCuSBank),
    PARAMS,
    # Without penalty, clusters of rare events alarm: 290 times in a million values of
    # Bernoulli(0.05) at 15, the threshold for a million values of N(0, 1). With it at most once,
    # seen on four million values each of normal, lognormal, Bernoulli and Poisson series.
    {"penalty": 0.47, **BY_ARL},
    ThresholdParam("threshold", loose=3.0, strict=60.0, free=("mode",)),
)
