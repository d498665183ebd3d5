"""Select the labelled events of an incident, and flatten them to rows of a table."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from streamproc.cli.event_rows import REDACTED
from streamproc.performance.outcome_log import OutcomeRow
from streamproc.tabular.written_columns import Column, kind_of

_FIXED: Final = {
    "side": "text",
    "offset": "integer",
    "ts": "time",
    "event_id": "text",
    "model_version": "text",
    "label_ts": "time",
}

_Key = tuple[int | None, str | None]


class Window(NamedTuple):
    """The events of an incident.

    Attributes
    ----------
    model_id
        The model.
    topic, partition
        Where its series changed: the topic of its events, or that of outcomes.
    first
        Offset of the first changed event.
    last
        Offset of the last one; None: it goes on.
    """

    model_id: str
    topic: str
    partition: int
    first: int
    last: int | None


class LabelledRows:
    """Select outcomes of a window, in two passes over the same log.

    The first pass finds columns and their kinds, revised labels, and how many rows there are, so
    that rows need not be held in memory. They are in the order in which their labels came.

    Parameters
    ----------
    window
        The events.
    outcomes
        Name of the topic of outcomes.
    redact
        Globs of features and tags whose values are replaced.
    before
        How many rows from before the window are taken at most, the last ones.

    Attributes
    ----------
    count
        Number of rows that the second pass gives.
    written_before
        Those of them from before the window.
    """

    def __init__(self, window: Window, outcomes: str, redact: tuple[str, ...], before: int) -> None:
        self._window, self._outcomes = window, outcomes
        self._redact, self._limit = redact, before
        self._kinds: dict[str, str] = dict(_FIXED)
        self._revised: dict[_Key, OutcomeRow] = {}
        self._after = self._before = self._passed = 0

    @property
    def columns(self) -> list[Column]:
        """The columns in their order, with their kinds."""
        return [Column(name, kind) for name, kind in self._kinds.items()]

    @property
    def written_before(self) -> int:
        """Number of rows from before the window."""
        return min(self._before, self._limit)

    @property
    def count(self) -> int:
        """Number of rows."""
        return self._after + self.written_before

    def look(self, offset: int, outcome: OutcomeRow) -> None:
        """Take note of an outcome in the first pass."""
        side = self._side(offset, outcome)
        if side is None:
            return
        if outcome.status == "revised":
            self._revised[_key(outcome)] = outcome
        elif side == "after":
            self._after += 1
        else:
            self._before += 1
        for name, value in self._row(side, outcome).items():
            if name in _FIXED or value is None:
                continue
            kind = kind_of(value)
            self._kinds[name] = kind if self._kinds.get(name, kind) == kind else "text"

    def take(self, offset: int, outcome: OutcomeRow) -> Iterator[Mapping[str, Any]]:
        """Return the row of an outcome in the second pass, if it is one to write."""
        side = self._side(offset, outcome)
        if side is None or outcome.status == "revised":
            return
        if side == "before":
            self._passed += 1
            if self._passed <= self._before - self.written_before:
                return
        final = self._revised.get(_key(outcome), outcome)
        yield self._row(side, outcome) | {"label": final.label, "label_ts": final.label_ts}

    def _side(self, offset: int, outcome: OutcomeRow) -> str | None:
        """Return `before` or `after`; None for outcomes that are not of the window."""
        window, source = self._window, outcome.event_source
        if outcome.model_id != window.model_id or outcome.status not in {"labelled", "revised"}:
            return None
        if window.topic != self._outcomes:
            if source is None or source.topic != window.topic:
                return None
            offset = source.offset
        if offset < window.first:
            return "before" if self._limit else None
        return "after" if window.last is None or offset <= window.last else None

    def _row(self, side: str, outcome: OutcomeRow) -> dict[str, Any]:
        source = outcome.event_source
        row: dict[str, Any] = {
            "side": side,
            "offset": None if source is None else source.offset,
            "ts": outcome.ts,
            "event_id": outcome.event_id,
            "model_version": outcome.model_version,
            "label": outcome.label,
            "label_ts": outcome.label_ts,
        }
        if isinstance(outcome.prediction, dict):
            row |= {f"prediction.{name}": value for name, value in outcome.prediction.items()}
        else:
            row["prediction"] = outcome.prediction
        for part, values in (("features", outcome.features), ("tags", outcome.tags)):
            for name, value in (values or {}).items():
                hidden = any(fnmatchcase(name, glob) for glob in self._redact)
                row[f"{part}.{name}"] = REDACTED if hidden else value
        return row


def _key(outcome: OutcomeRow) -> _Key:
    source = outcome.event_source
    return None if source is None else source.offset, outcome.event_id
