"""Report the figures of a part, each with its goal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from rich.table import Table

Better = Literal["less", "more"]
COLUMNS = ("measured", "figure", "range", "goal", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, measured once a round.

    Parameters
    ----------
    what
        What was measured.
    unit
        Of the figure, and of its goal.
    values
        One a round; their median counts.
    goal
        What it should be at most or at least; None: it is there for information.
    better
        Whether less or more of it is better.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    goal: float | None = None
    better: Better = "less"

    @property
    def figure(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.figure <= self.goal if self.better == "less" else self.figure >= self.goal

    @property
    def verdict(self) -> str:
        """Say whether the goal is met, and if not by how much.

        Examples
        --------
        >>> Row("latency, p99", "ms", (36.0,), 30.0).verdict
        'missed by 20 %'
        >>> Row("ratio", "×", (3.1, 2.5), 2.0, "more").verdict
        'met'
        """
        if self.goal is None or self.met is None:
            return ""
        if self.met:
            return "met"
        times = self.figure / self.goal
        if times >= 2:
            return f"missed: {shown(times)} times the goal"
        return f"missed by {abs(times - 1) * 100:.0f} %"

    def cells(self) -> tuple[str, ...]:
        """Write the row for a table."""
        low, high = shown(min(self.values)), shown(max(self.values))
        bound = "≤" if self.better == "less" else "≥"
        return (
            self.what,
            f"{shown(self.figure)} {self.unit}",
            f"{low} to {high}" if len(self.values) > 1 else "",
            "" if self.goal is None else f"{bound} {shown(self.goal)}",
            self.verdict,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the row as plain values."""
        return {
            "what": self.what,
            "unit": self.unit,
            "values": list(self.values),
            "goal": self.goal,
            "better": self.better,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """A part that was measured.

    Parameters
    ----------
    name, title
        Of the part.
    rows
        Its figures.
    not_run
        What could not be measured, with the reason.
    figures
        All results of each job, by its label, in the order of the rounds.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    not_run: tuple[str, ...]
    figures: Mapping[str, Sequence[Mapping[str, Any]]]

    def table(self) -> Table:
        """Lay it out for a terminal."""
        table = Table(title=self.title, title_justify="left", caption_justify="left")
        for column in COLUMNS:
            table.add_column(column, justify="right" if column in {"figure", "goal"} else "left")
        colours = {True: "green", False: "red", None: ""}
        for row in self.rows:
            *cells, verdict = row.cells()
            style = colours[row.met]
            table.add_row(*cells, f"[{style}]{verdict}[/]" if style else verdict)
        table.caption = "\n".join(f"not run: {reason}" for reason in self.not_run) or None
        return table

    def to_dict(self) -> dict[str, Any]:
        """Give the outcome as plain values."""
        return {
            "title": self.title,
            "rows": [row.to_dict() for row in self.rows],
            "not_run": list(self.not_run),
            "figures": {label: list(rounds) for label, rounds in self.figures.items()},
        }


def markdown(part: Mapping[str, Any]) -> Iterator[str]:
    """Write what `Outcome.to_dict` gave as lines of a Markdown table."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for stored in part["rows"]:
        fields = {name: value for name, value in stored.items() if name != "verdict"}
        row = Row(**fields | {"values": tuple(fields["values"])})
        yield f"| {' | '.join(row.cells())} |"
    for reason in part["not_run"]:
        yield f"\nNot run: {reason}."


def shown(value: float) -> str:
    """Write a number with three digits that count.

    Examples
    --------
    >>> shown(0.51234), shown(31.26), shown(188263.2)
    ('0.512', '31.3', '188,263')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
