"""Assign the columns of a table to the parts of an event."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import typer


@dataclass(frozen=True)
class Roles:
    """Columns by the part that they play in an event.

    Parameters
    ----------
    features
        Columns with features, in the order of the table.
    prediction
        Column of the prediction; None for feature events.
    label
        Column with the truth; None sends no labels.
    ts
        Column with the event's time; None leaves it to the broker.
    identity
        Column with the event_id; None takes the row's number.
    left_out
        Columns that are nothing.
    takes_later
        Whether columns that come in later rows are features, too.
    ts_is_text
        Whether times have a format, and are to keep their characters.
    """

    features: tuple[str, ...]
    prediction: str | None = None
    label: str | None = None
    ts: str | None = None
    identity: str | None = None
    left_out: tuple[str, ...] = ()
    takes_later: bool = False
    ts_is_text: bool = False

    @classmethod
    def choose(
        cls,
        columns: tuple[str, ...],
        features: tuple[str, ...] | None,
        *,
        prediction: str | None,
        label: str | None,
        ts: str | None,
        identity: str | None,
    ) -> Self:
        """Check the columns that the flags name; those that no flag names are features.

        Raises
        ------
        typer.BadParameter
            When a column does not exist; the message names those that do.
        """
        named = {"prediction": prediction, "label": label, "ts": ts, "id": identity}
        for flag, column in (*_given(named), *(("features", name) for name in features or ())):
            if column not in columns:
                there = ", ".join(columns)
                raise typer.BadParameter(
                    f"no column {column!r}; the file has {there}", param_hint=f"--{flag}"
                )
        taken = {column for _, column in _given(named)}
        return cls(
            features=features or tuple(name for name in columns if name not in taken),
            prediction=prediction,
            label=label,
            ts=ts,
            identity=identity,
            takes_later=features is None,
        )

    def without(self, column: str) -> "Roles":
        """Leave a feature out."""
        features = tuple(name for name in self.features if name != column)
        return replace(self, features=features, left_out=(*self.left_out, column))

    @property
    def named(self) -> frozenset[str]:
        """All columns that have a part, or that are left out."""
        given = (self.prediction, self.label, self.ts, self.identity)
        columns = {column for column in given if column is not None}
        return frozenset({*self.features, *self.left_out, *columns})

    @property
    def text(self) -> frozenset[str]:
        """Columns whose values are taken as text, whatever they look like."""
        ts = self.ts if self.ts_is_text else None
        return frozenset(column for column in (self.identity, ts) if column is not None)


def _given(named: dict[str, str | None]) -> Iterator[tuple[str, str]]:
    pairs: Iterable[tuple[str, str | None]] = named.items()
    return ((flag, column) for flag, column in pairs if column is not None)
