"""Table 2: how long stationary series run until a false alarm."""

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.evaluation.calibration import run_lengths
from streamproc.detectors.evaluation.calibration.autocorrelated import DEPENDENT, run_length
from streamproc.detectors.evaluation.scoreboard import entrants, heldout_seeds
from streamproc.detectors.evaluation.scoreboard.result import Cell, Grid, Notify, Result
from streamproc.detectors.runtime import run_length as arl

TITLE = "Run lengths on stationary series"
FOLLOWED = ("focus", "adwin", "page_hinkley", "cusum", "ewma", "ks")
"""Detectors that are also measured on series whose values depend on each other."""
SLOW = 3e5
"""A detector whose table was simulated to less than this is not measured at 10⁶."""


def run(*, full: bool, notify: Notify) -> Result:
    """Measure run lengths at asked ones, and those of River's defaults."""
    asked = (1e3, 1e4, 1e6) if full else (1e3,)
    grids, skipped = [], {}
    for wanted in asked:
        for family in ("mean", "distribution", "category", "error"):
            names = [n for n in registry.names() if registry.get(n).family == family]
            rows: dict[str, tuple[Cell, ...]] = {}
            for name in names:
                knob = registry.get(name).knob
                limits = arl.span(name, knob)
                if knob is None or limits is None or not limits[0] <= wanted <= limits[1]:
                    skipped[f"{name} at {wanted:g}"] = "out of its span of calibration"
                elif wanted > SLOW and knob.reach < SLOW:
                    skipped[f"{name} at {wanted:g}"] = "too slow to be measured there"
                else:
                    notify(f"run lengths of {name} at {wanted:g}")
                    rows[name] = _row(name, family, wanted, 300 if full else 60)
            if rows:
                heads = ("detector", *run_lengths.sources(family), "kept")
                title = f"Lower bound of the run length (95 %), {wanted:g} asked: {family}"
                grids.append(Grid(title, heads, rows))
    grids.append(_dependent(1e4 if full else 1e3, 2e7 if full else 1e6, notify))
    notify("River's defaults")
    grids.append(_rivers(4, full=full))
    skipped |= entrants.too_slow(full=full)
    notes = [
        f"Seed {heldout_seeds.NULL}; the tables were simulated with another.",
        (
            "Values are standardised by each series' first 200, errors are raw. Runs cut off "
            "without "
            "an alarm count with all of their values (exponential maximum likelihood)."
        ),
    ]
    return Result(2, TITLE, grids, notes, skipped)


def _row(name: str, family: str, wanted: float, alarms: int) -> tuple[Cell, ...]:
    bounds = []
    for i, source in enumerate(run_lengths.sources(family).values()):
        seed = np.random.SeedSequence([heldout_seeds.NULL, int(wanted), i])
        one = run_lengths.measured(name, {"arl": wanted}, source, seed, alarms * wanted)
        bounds.append(run_lengths.lower_bound(one.values, one.alarms))
    return (*bounds, "yes" if min(bounds) >= wanted else f"{min(bounds) / wanted:.2f} of it")


def _dependent(wanted: float, values: float, notify: Notify) -> Grid:
    rows: dict[str, tuple[Cell, ...]] = {}
    for name in FOLLOWED:
        for whiten in (False, True):
            notify(f"run lengths of {name} on dependent values at {wanted:g}")
            params = {name: {"arl": wanted}}
            rows[f"{name}, whitened" if whiten else name] = tuple(
                run_length(
                    params,
                    source,
                    np.random.SeedSequence([heldout_seeds.NULL, i]),
                    values,
                    whiten=whiten,
                )
                for i, source in enumerate(DEPENDENT.values())
            )
    title = f"The same where values depend on each other, {wanted:g} asked"
    return Grid(title, ("detector", *DEPENDENT), rows)


def _rivers(series: int, *, full: bool) -> Grid:
    length = 50_000 if full else 10_000
    rows: dict[str, tuple[Cell, ...]] = {}
    rng = np.random.default_rng(heldout_seeds.NULL)
    coin = (rng.random((series, length)) < 0.2).astype(np.float64)
    values = rng.normal(size=(series, length))
    for one in entrants.rivers(full=full):
        cells = [
            None if one.family == "error" and x is values else x.size / max(1, one.alarms(x).sum())
            for x in (values, coin)
        ]
        rows[one.label] = tuple(None if c is None else float(c) for c in cells)
    title = f"River's defaults on raw values: values a false alarm ({series * length:,} values)"
    return Grid(title, ("detector", "N(0, 1)", "Bernoulli(0.2)"), rows)
