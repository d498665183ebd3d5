"""Table 4: FriedmanDrift, a regression whose function changes once."""

import functools

import numpy as np
from numpy.typing import NDArray
from river.datasets import synth

from streamproc.detectors import registry
from streamproc.detectors.evaluation.scoreboard import entrants, heldout_seeds
from streamproc.detectors.evaluation.scoreboard.entrants import Bools, Entrant
from streamproc.detectors.evaluation.scoreboard.result import Cell, Grid, Notify, Result
from streamproc.detectors.evaluation.scoreboard.trial_cache import NOWHERE, Arrays, TrialCache
from streamproc.detectors.runtime import run_length
from streamproc.detectors.runtime.dtypes import Floats

TITLE = "FriedmanDrift: found, cried wolf, delay"
TRAINING, STABLE, AFTER = 10_000, 2_500, 2_500
FEATURES = 300
"""Random Fourier features of the model."""
WORST = 0.8
"""An error is a residual beyond this share of those in training."""
NEVER = 10**9
ARL = 1e5
"""Of ours, whatever the kind of drift: one trial in forty may cry wolf within `STABLE`."""
KINDS = {"GRA": "gra", "GSG": "gsg", "LEA": "lea"}
PUBLISHED: dict[str, dict[str, tuple[Cell, ...]]] = {
    "GRA": {
        "ADWIN, published by PITMonitor": (99.1, 0.9, 27.0),
        "HDDM_A, published by PITMonitor": (94.0, 6.0, 60.0),
    },
    "GSG": {},
    "LEA": {"ADWIN, published by PITMonitor": (99.1, 0.9, 115.0)},
}


def run(
    *, full: bool, notify: Notify, trials: int | None = None, cache: TrialCache = NOWHERE
) -> Result:
    """Run all trials of the three kinds of drift."""
    trials = trials or (1000 if full else 6)
    grids = []
    for number, (label, kind) in enumerate(KINDS.items()):
        residuals, errors = [], []
        for i in range(trials):
            notify(f"{label}, {i + 1} of {trials}")
            one = cache.made(f"friedman-{kind}-{i}", functools.partial(_trial, kind, number, i))
            residuals.append(one["sizes"])
            errors.append(one["errors"])
        apart, wrong = np.array(residuals), np.array(errors, np.float64)
        rows = dict(PUBLISHED[label])
        for contestant in _taking_part(full=full):
            notify(f"{label}, {contestant.label}")
            values = wrong if contestant.family in entrants.RAW else apart
            few = entrants.trials_of(contestant, trials)
            rows[entrants.counted(contestant, trials)] = _scores(contestant.alarms(values[:few]))
        heads = ("detector", "found first, %", "cried wolf, %", "mean delay")
        grids.append(Grid(f"{label}, {trials} trials", heads, rows, bars=heads[1]))
    notes = [
        (
            f"Seed {heldout_seeds.FRIEDMAN}. River's generator; {TRAINING:,} rows train a ridge "
            "regression on "
            f"{FEATURES} random Fourier features, which then stays as it is; {STABLE:,} stable "
            "rows, "
            f"then {AFTER:,} after the change. Found first: no alarm before the change, one after "
            "it."
        ),
        (
            "Detectors of errors and of categories read 1 where the residual is beyond the "
            f"{WORST:.0%} quantile of training, the others the residual's size."
        ),
        (
            f"Ours with arl={ARL:g}, River's with its defaults. The published lines are of another "
            "model: they are context, not a comparison of equals."
        ),
    ]
    return Result(4, TITLE, grids, notes, entrants.too_slow(full=full))


def _taking_part(*, full: bool) -> list[Entrant]:
    names = [n for n in registry.names() if _reaches(n)]
    mine = [entrants.ours(registry.get(n), arl=ARL) for n in names]
    others = (*entrants.rivers(full=full), *entrants.baselines(STABLE, heldout_seeds.FRIEDMAN))
    return [*mine, *others]


def _reaches(name: str) -> bool:
    limits = run_length.span(name, registry.get(name).knob)
    return limits is not None and limits[0] <= ARL <= limits[1]


def _scores(alarms: Bools) -> tuple[Cell, ...]:
    early = alarms[:, :STABLE].any(axis=1)
    late = alarms[:, STABLE:]
    found = late.any(axis=1) & ~early
    delay = float(late[found].argmax(axis=1).mean() + 1.0) if found.any() else None
    return 100.0 * float(found.mean()), 100.0 * float(early.mean()), delay


def _trial(kind: str, number: int, i: int) -> Arrays:
    """Residuals' sizes and errors of one trial, from the end of the training on."""
    rng = np.random.default_rng([heldout_seeds.FRIEDMAN, number, i])
    change = TRAINING + STABLE
    positions = (change, NEVER, NEVER + 1) if kind == "lea" else (change, NEVER)
    stream = synth.FriedmanDrift(
        drift_type=kind,
        position=positions,
        transition_window=AFTER if kind == "gsg" else 0,
        seed=int(rng.integers(2**31)),
    )
    rows = [(*x.values(), y) for x, y in stream.take(change + AFTER)]
    table = np.array(rows)
    x, y = table[:, :-1], table[:, -1]
    weights, shifts = rng.normal(0.0, 1.0, (10, FEATURES)), rng.uniform(0.0, 2 * np.pi, FEATURES)

    def features(part: NDArray[np.float64]) -> Floats:
        return np.hstack([np.cos(part @ weights + shifts), part, np.ones((len(part), 1))])

    design = features(x[:TRAINING])
    ridge = design.T @ design + 1e-3 * np.eye(design.shape[1])
    model = np.linalg.solve(ridge, design.T @ y[:TRAINING])
    sizes = np.abs(y - features(x) @ model)
    beyond = np.quantile(sizes[:TRAINING], WORST)
    later = sizes[TRAINING:]
    return {"sizes": later, "errors": later > beyond}
