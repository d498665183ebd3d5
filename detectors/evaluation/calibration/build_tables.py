"""Rebuild the tables of run lengths: which value of a knob gives which `arl`."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamproc import detectors
from streamproc.detectors import registry
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.evaluation.calibration import run_lengths
from streamproc.detectors.evaluation.calibration.run_lengths import SERIES, Run, Sweep
from streamproc.detectors.runtime.run_length import ARL
from streamproc.detectors.spec import Entry

SEED = 20_260_101
"""Of the tables. Checks of them, and the scoreboard, use others."""
COUNT = 28
"""Values of a knob that are tried, evenly in their logarithm."""
EFFORT = 15
"""Values simulated at one knob, in longest run lengths: a run length of `reach` is seen 15
times, so its lower bound lies a third below it."""
MARGIN = 1.5
"""Shortest simulated run length over promised one: a second simulation whose lower bound is
compared with the promise has its own chance errors, a hundred learned units are a sample, and
between two knobs a line is believed: 1.15 was missed by up to a quarter in six of seventeen."""
SPAN = 100.0
"""Longer run lengths than the simulated ones are laid along the line through the last
factor of so much of them."""
CAUTION = 0.85
"""Share of that line's slope that is believed, since it may flatten."""
TABLES = Path(detectors.__file__).parent / "tables"


def calibrated(names: Sequence[str]) -> list[Entry]:
    """List the entries among `names` whose run lengths can be simulated."""
    return [entry for entry in map(registry.get, names) if entry.knob]


def rebuild(names: Sequence[str], notify: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Simulate the tables of some detectors.

    Parameters
    ----------
    names
        Of the detectors; those without a table are left out.
    notify
        Called with the name of each source of values before it is simulated.

    Returns
    -------
    dict
        Detector → table, as it is written to `detectors/tables`.
    """
    entries = calibrated(names)
    found: dict[str, dict[str, Sweep]] = {entry.name: {} for entry in entries}
    for family in sorted({entry.family for entry in entries}):
        members = [entry for entry in entries if entry.family == family]
        for source, chunks in run_lengths.sources(family).items():
            notify(f"{family}: {source}")
            effort = EFFORT / 10 if source in run_lengths.BETWEEN else EFFORT
            sweeps = [_sweep(entry, effort) for entry in members]
            seed = np.random.SeedSequence([SEED, zlib.crc32(source.encode())])
            run_lengths.simulate(chunks, seed, sweeps)
            for entry, one in zip(members, sweeps, strict=True):
                found[entry.name][source] = one
    return {entry.name: table(entry, found[entry.name]) for entry in entries}


def write(tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Put tables where `arl=` looks for them."""
    for name, made in tables.items():
        text = json.dumps(made, indent=1, ensure_ascii=False)
        (TABLES / f"{name}.json").write_text(text + "\n", "utf-8")


def _bound(run: Run) -> float:
    return run_lengths.lower_bound(run.values, run.alarms) / MARGIN if run.values else np.inf


def _sweep(entry: Entry, effort: float) -> Sweep:
    reach = entry.knob.reach if entry.knob else 0.0
    return run_lengths.sweep(entry, run_lengths.knobs(entry, COUNT), effort * reach)


def table(entry: Entry, sweeps: Mapping[str, Sweep]) -> dict[str, Any]:
    """Make one table: at each knob the run length of the source where it is shortest."""
    curves = {source: _curve(one) for source, one in sweeps.items()}
    sweeps = {source: one for source, one in sweeps.items() if source not in run_lengths.BETWEEN}
    values = np.array([run.knob for run in next(iter(sweeps.values())).runs])
    bounds = np.array([[_bound(run) for run in one.runs] for one in sweeps.values()])
    worst = bounds.argmin(axis=0)
    shortest = bounds.min(axis=0)
    # A bound from few alarms speaks of the simulation's length, not of the knob.
    alarms = np.array([[run.alarms for run in s.runs] for s in sweeps.values()])
    known = alarms[worst, np.arange(len(values))] >= run_lengths.FEW
    stop = int(np.argmin(known)) if not known.all() else len(known)
    if stop < 2:
        msg = f"{entry.name}: no run length is known at two knobs; widen the knob's range"
        raise ParameterError(msg)
    values, worst = values[:stop], worst[:stop]
    # A stricter knob never gives a shorter run: what looks so is chance, so the shorter counts.
    arl = np.minimum.accumulate(shortest[:stop][::-1])[::-1]
    rising = np.append(np.diff(arl) > 0, True)
    values, arl, worst = values[rising], arl[rising], worst[rising]
    simulated = float(arl[-1])
    values, arl = _extended(values, arl, entry)
    names = list(sweeps)
    return {
        "detector": entry.name,
        "command": f"python -m streamproc.detectors.evaluation.calibration --rebuild {entry.name}",
        "seed": SEED,
        "series": SERIES,
        "knob_name": entry.knob.name if entry.knob else "",
        "parameters": {
            name: value
            for name, value in entry.monitoring.items()
            if entry.knob and name not in {ARL.name, entry.knob.name, entry.knob.tied}
        },
        "sources": names,
        "simulated_to": round(simulated),
        "worst": [names[i] for i in worst],
        "curves": curves,
        "knob": [float(f"{value:.6g}") for value in values],
        "arl": [float(f"{length:.4g}") for length in arl],
    }


def _curve(one: Sweep) -> dict[str, list[float]]:
    """Mean run lengths on one source, without caution: for comparisons at equal run lengths."""
    runs = [run for run in one.runs if run.alarms >= run_lengths.FEW]
    return {
        "knob": [float(f"{run.knob:.6g}") for run in runs],
        "arl": [float(f"{run.values / run.alarms:.4g}") for run in runs],
    }


def _extended(
    values: np.ndarray[Any, Any], arl: np.ndarray[Any, Any], entry: Entry
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Go on to the longest run length on offer, along the end of the table."""
    if arl[-1] >= ARL.high:
        return values, arl
    last = arl >= arl[-1] / SPAN
    slope = np.polyfit(np.log(values[last]), np.log(arl[last]), 1)[0] * CAUTION
    away = np.exp((np.log(ARL.high) - np.log(arl[-1])) / slope)
    param = entry.params[entry.knob.name if entry.knob else ""]
    knob = min(max(values[-1] * away, np.nextafter(param.low, np.inf)), param.high)
    reached = arl[-1] * (knob / values[-1]) ** slope
    return np.append(values, knob), np.append(arl, reached)
