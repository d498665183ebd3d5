"""Pictures of the tables, if matplotlib is installed."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from streamproc.detectors.evaluation.scoreboard.result import Grid, Result


def possible() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def figures(result: Result, out: Path) -> list[Path]:
    """Draw every grid of numbers that compares rows; returns the files."""
    drawn = [draw(grid, out) for grid in result.grids if grid.better and _numbers(grid).size]
    return drawn + [bars(grid, out) for grid in result.grids if grid.bars and grid.rows]


def bars(grid: Grid, out: Path) -> Path:
    """Draw one column of a grid, the largest number first, and what is marked across it."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import

    column = grid.columns.index(grid.bars) - 1
    cells = {name: row[column] for name, row in grid.rows.items()}
    numbers = {name: float(c) for name, c in cells.items() if isinstance(c, int | float)}
    names = sorted(numbers, key=numbers.__getitem__)
    figure: Any = Figure(figsize=(7, 1.2 + 0.19 * len(names)), layout="constrained")
    axes = figure.subplots()
    colours = ["tab:orange" if "published" in name else "tab:blue" for name in names]
    axes.barh(range(len(names)), [numbers[name] for name in names], color=colours)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(-0.6, len(names) - 0.4)
    for label, value in grid.marks.items():
        axes.axvline(value, color="tab:red", linewidth=1.0)
        axes.text(value, 0.0, f" {label}", color="tab:red", fontsize=8)
    axes.set_xlabel(grid.bars)
    axes.set_title(grid.title, fontsize=10)
    return _written(figure, grid, out)


def draw(grid: Grid, out: Path) -> Path:
    """Draw a grid as coloured cells, the logarithm of each number its colour."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import

    numbers = _numbers(grid)
    rows, columns = numbers.shape
    figure: Any = Figure(figsize=(3 + 0.6 * columns, 1.6 + 0.3 * rows), layout="constrained")
    axes = figure.subplots()
    order = "viridis" if grid.better == "high" else "viridis_r"
    picture = axes.imshow(np.log(numbers), cmap=order, aspect="auto")
    middle = np.nanmean(np.log(numbers))
    for (i, j), value in np.ndenumerate(numbers):
        if np.isfinite(value):
            dark = (np.log(value) > middle) == (grid.better == "low")
            shade = "white" if dark else "black"
            axes.text(j, i, f"{value:.3g}", ha="center", va="center", color=shade, fontsize=7)
    axes.set_xticks(range(columns), grid.columns[1:], rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(rows), list(grid.rows), fontsize=8)
    axes.set_title(grid.title, fontsize=10)
    picture.set_clim(np.nanmin(np.log(numbers)), np.nanmax(np.log(numbers)))
    return _written(figure, grid, out)


def _written(figure: Any, grid: Grid, out: Path) -> Path:
    path = out / (re.sub(r"[^a-z0-9]+", "-", grid.title.lower()).strip("-") + ".svg")
    figure.savefig(path, metadata={"Date": None})
    return path


def _numbers(grid: Grid) -> Any:
    rows = [
        [float(c) if isinstance(c, int | float) and c > 0 else np.nan for c in cells]
        for cells in grid.rows.values()
    ]
    return np.array(rows)
