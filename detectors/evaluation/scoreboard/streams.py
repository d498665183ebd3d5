"""Plot every detector on four streams.

``python -m streamproc.detectors.evaluation.scoreboard.streams`` draws the figures.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.evaluation.scoreboard import entrants, heldout_seeds, plots
from streamproc.detectors.runtime import run_length
from streamproc.detectors.runtime.dtypes import Floats

LENGTH, CHANGE = 5000, 2500
ARL = 1e5
"""Of all detectors: one false alarm in twenty such pictures' lines."""


def streams() -> dict[str, Floats]:
    """Make the four streams, each (1, LENGTH), with a change in the middle."""
    rng = np.random.default_rng(heldout_seeds.STREAMS)
    after = np.arange(LENGTH) >= CHANGE
    slow = np.clip((np.arange(LENGTH) - CHANGE) / 1500, 0.0, 1.0)
    rate = np.where(after, 0.4, 0.2)
    made = {
        "mean + 1σ at once": rng.normal(size=LENGTH) + after,
        "mean + 1σ over 1,500": rng.normal(size=LENGTH) + slow,
        "deviation × 2": rng.normal(size=LENGTH) * np.where(after, 2.0, 1.0),
        "errors .2 → .4": (rng.random(LENGTH) < rate).astype(np.float64),
    }
    return {name: values[None] for name, values in made.items()}


def alarms(name: str, values: Floats) -> list[int]:
    """Rows at which a detector alarms; nothing where it needs errors and these are none."""
    entry = registry.get(name)
    if entry.family == "error" and not np.isin(values, (0.0, 1.0)).all():
        return []
    limits = run_length.span(name, entry.knob)
    params = {"arl": float(np.clip(ARL, *limits))} if limits else {}
    found = entrants.ours(entry, **params).alarms(values)[0]
    return [int(row) for row in np.flatnonzero(found)]


def draw(out: Path) -> Path:
    """Draw the streams and all alarms; returns the file."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import

    names = registry.names()
    made = streams()
    figure: Any = Figure(figsize=(13, 2.4 + 0.22 * len(names)), layout="constrained")
    panels = figure.subplots(2, len(made), height_ratios=[1.6, 0.22 * len(names)], sharex=True)
    for (title, values), top, below in zip(made.items(), panels[0], panels[1], strict=True):
        top.plot(values[0], ".", markersize=1.2, color="0.5")
        top.set_title(title, fontsize=10)
        for line, name in enumerate(names):
            rows = alarms(name, values)
            colours = ["tab:green" if row >= CHANGE else "tab:red" for row in rows]
            below.scatter(rows, [line] * len(rows), c=colours, marker="|", s=60)
        below.set_ylim(len(names) - 0.5, -0.5)
        below.set_yticks(range(len(names)), names if below is panels[1][0] else [], fontsize=8)
        below.grid(axis="y", linewidth=0.3)
        for axes in (top, below):
            axes.axvline(CHANGE, color="black", linewidth=0.6)
    path = out / "streams.png"
    figure.savefig(path, dpi=80)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.scoreboard.streams",
        description="Draw every detector's alarms on four streams. "
        "Example: python -m streamproc.detectors.evaluation.scoreboard.streams --out docs/figures",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("docs/figures"))
    given = parser.parse_args(arguments)
    if not plots.possible():
        parser.error("matplotlib is not installed: the extra `plots` has it")
    given.out.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{draw(given.out)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
