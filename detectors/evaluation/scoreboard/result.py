"""What a table of the scoreboard is, before anyone prints it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Cell = float | str | None
"""A number, a text, or nothing."""
Notify = Callable[[str], None]
"""Called with what comes next."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers by row and column.

    Attributes
    ----------
    title
        What they are, with their unit.
    columns
        Heads, that of the row's name first.
    rows
        Row's name → a cell a column: a number, a text, or None where there is none.
    better
        Which number leads: `low`, `high`, or nothing.
    bars
        Head of the column that is drawn as bars, empty: none.
    marks
        What is marked across the bars: name → value.
    """

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]
    better: str = ""
    bars: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """One of the six tables.

    Attributes
    ----------
    number, title
        Of the table.
    grids
        Its parts.
    notes
        What a reader must know: sizes, seeds, limits.
    skipped
        What was not measured, by name, and why.
    """

    number: int
    title: str
    grids: list[Grid]
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def shown(cell: Cell) -> str:
    """Write a cell as it stands in a report."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.3g}"


def leaders(grid: Grid) -> Iterator[tuple[str, int]]:
    """Give (row, column) of the leading number of each column."""
    for column in range(len(grid.columns) - 1):
        cells = {
            name: cells[column]
            for name, cells in grid.rows.items()
            if isinstance(cells[column], int | float)
        }
        if cells and grid.better:
            best = (min if grid.better == "low" else max)(cells.values())  # type: ignore[type-var]
            yield from ((name, column) for name, cell in cells.items() if cell == best)


def markdown(result: Result) -> str:
    """Write a table as Markdown; leading numbers are bold."""
    lines = [f"## {result.number}. {result.title}", ""]
    for grid in result.grids:
        bold = set(leaders(grid))
        lines += [f"### {grid.title}", "", "| " + " | ".join(grid.columns) + " |"]
        lines += ["|" + "---|" * len(grid.columns)]
        for name, cells in grid.rows.items():
            texts = [
                f"**{shown(cell)}**" if (name, i) in bold else shown(cell)
                for i, cell in enumerate(cells)
            ]
            lines.append("| " + " | ".join([name, *texts]) + " |")
        lines.append("")
    lines += [f"- {note}" for note in result.notes]
    lines += [f"- Not measured: {name}: {why}" for name, why in result.skipped.items()]
    return "\n".join([*lines, ""])


def plain(result: Result) -> dict[str, Any]:
    """Everything in a table, for programs."""
    return {
        "table": result.number,
        "title": result.title,
        "grids": [
            {
                "title": grid.title,
                "columns": list(grid.columns),
                "rows": {name: list(cells) for name, cells in grid.rows.items()},
            }
            for grid in result.grids
        ],
        "notes": result.notes,
        "skipped": result.skipped,
    }
