"""Watch when the events of each model of a partition arrive, by the partition's own clock."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.config.model import ModelConfig
from streamproc.decode.layout import Layout, Model
from streamproc.decode.matrix import Matrix
from streamproc.detect.arrival_columns import (
    AFTER,
    COLUMNS,
    CURRENT,
    FIELDS,
    FIGURES,
    FIRST,
    RECENT,
    SEEN,
    SETTINGS,
    SILENT,
    START,
    TAINTED,
    VOLUME,
    WATCH_VOLUME,
)
from streamproc.detect.arrivals_kernel import Table, advance, take_back
from streamproc.detect.rhythm_kernel import WEEK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNKNOWN: Final = -1
_MINUTE: Final = 60.0
_MAX_FINDINGS: Final = 3  # of a model at one event: an end of a silence, another one, a volume
_ARRAYS: Final = ("rows", "counts", "low", "usual")


Part = tuple[Ints, Ints, Ints, Ints, Floats]
"""Events of one layout: runs of models, the place of each run's model in the table, and of each
event its sort key, offset and time."""


class Found(NamedTuple):
    """What was found at an event.

    Attributes
    ----------
    model
        Id of the model that it is about.
    place, offset, ts
        Sort key, offset and time of the event, which may be one of another model.
    figures
        Columns of `arrival_columns`.
    """

    model: str
    place: int
    offset: int
    ts: float
    figures: tuple[float, ...]


class Arrivals:
    """Count the events of each model, and learn when they arrive.

    The clock of a partition is its event time in whole minutes. It goes on when three events in a
    row are later, so that a wrong time does not move it, and back when 6,000 records in a row are
    earlier. Only when it moves are the events looked at in the order of the log.

    Parameters
    ----------
    accept_after
        Seconds after which a silence or another volume is accepted.

    Attributes
    ----------
    clock
        Fields of the clock.
    counts
        Events of each model in the present minute.
    """

    def __init__(self, accept_after: float) -> None:
        self._accept_after = int(accept_after // _MINUTE)
        self.clock: Floats = np.zeros(FIELDS)
        self.clock[START] = -np.inf
        self.clock[[CURRENT, RECENT]] = UNKNOWN
        self._models: list[str | None] = []
        self._spare: list[int] = []
        self._rows: Floats = np.empty((0, COLUMNS))
        self.counts: Ints = np.empty(0, np.int64)
        self._low = np.empty((0, WEEK), np.float32)
        self._usual = np.empty((0, WEEK), np.float32)
        self._settings: Floats = np.empty((0, SETTINGS))

    def enrol(self, model: Model) -> None:
        """Give a model a place in the table."""
        member = self._spare.pop() if self._spare else len(self._models)
        if member == len(self._models):
            self._models.append(None)
        if member == len(self._rows):
            self._grow(max(8, 2 * member))
        self._models[member] = model.id
        self._clear(member)
        self._settings[member] = _settings(model.config)
        model.member = model.layout.members[model.row] = member

    def release(self, model: Model) -> None:
        """Forget a model."""
        if model.member != UNKNOWN:
            self._models[model.member] = None
            self._spare.append(model.member)
            self._clear(model.member)

    def enrol_all(self, layout: Layout, data: Matrix) -> None:
        """Give those models of some events a place that have none, and count their events."""
        for row, start, stop in data.runs.tolist():
            if layout.members[row] == UNKNOWN:
                self.enrol(layout.model(row))
                self.counts[layout.members[row]] += stop - start

    def advance(self, parts: Sequence[Part]) -> Iterator[Found]:
        """Yield what is found at events that `count_events` has counted, in log order."""
        members, places, offsets, ts = _in_order(parts)
        take_back(members, self.counts)
        at, found = 0, np.zeros((_MAX_FINDINGS * len(self._rows), FIGURES))
        while at < len(ts):
            at, count = advance(
                at, (members, offsets, ts), self.clock, self._table, self._accept_after, found
            )
            event = int(places[at - 1]), int(offsets[at - 1]), float(ts[at - 1])
            findings = [(self._models[int(row[0])] or "", row) for row in found[:count].tolist()]
            for model, figures in sorted(findings, key=lambda each: each[0]):
                yield Found(model, *event, tuple(figures))
        self.clock[RECENT] = self.clock[CURRENT]

    def state(self, models: Iterable[Model]) -> dict[str, NDArray[np.generic]]:
        """Return the state: `models` are the places of those models that have a row."""
        of_model = [model.member for model in models]
        members = [member for member in of_model if member != UNKNOWN]
        clock = self.clock.copy()
        clock[RECENT] = clock[CURRENT]
        rows: tuple[NDArray[Any], ...] = (self._rows, self.counts, self._low, self._usual)
        places = np.flatnonzero(np.array(of_model, np.int64) != UNKNOWN)
        return {
            "models": places,
            "clock": clock,
            **{name: array[members] for name, array in zip(_ARRAYS, rows, strict=True)},
        }

    def load(self, arrays: dict[str, NDArray[np.generic]], models: Sequence[Model]) -> None:
        """Continue a state.

        Parameters
        ----------
        arrays
            As `state` returns them; without any, as of an earlier version, nothing is known.
        models
            All models, in their order.

        Raises
        ------
        ValueError
            If arrays are missing or have another shape, or name a model that does not exist.
        """
        if not arrays:
            return
        places = arrays.get("models", np.empty(0, np.int64)).astype(np.int64)
        count = len(places)
        if count and not 0 <= places.min() <= places.max() < len(models):
            raise ValueError("array 'arrivals: models' names a model that does not exist")
        of_rows = ((count, COLUMNS), (count,), (count, WEEK), (count, WEEK))
        shapes = {"clock": (FIELDS,), **dict(zip(_ARRAYS, of_rows, strict=True))}
        for name, shape in shapes.items():
            if name not in arrays or arrays[name].shape != shape:
                raise ValueError(f"array 'arrivals: {name}' is missing or not of shape {shape}")
        for place in places.tolist():
            self.enrol(models[place])
        self.clock = np.array(arrays["clock"], np.float64)
        self._rows[:count], self.counts[:count] = arrays["rows"], arrays["counts"]
        self._low[:count], self._usual[:count] = arrays["low"], arrays["usual"]
        self._rows[:count][self._settings[:count, AFTER] < 0.0, SILENT] = 0.0
        self._rows[:count][self._settings[:count, WATCH_VOLUME] == 0.0, VOLUME] = 0.0

    def watches(self, model: Model, detector: str) -> bool:
        """Whether a model is watched for `silence`, or for its `volume`."""
        after, volume = self._settings[model.member].tolist()
        return bool(after >= 0.0 if detector == "silence" else volume)

    @property
    def _table(self) -> Table:
        return self._rows, self.counts, self._low, self._usual, self._settings

    def _grow(self, size: int) -> None:
        for name in ("_rows", "counts", "_low", "_usual", "_settings"):
            array = getattr(self, name)
            grown = np.zeros((size, *array.shape[1:]), array.dtype)
            grown[: len(array)] = array
            setattr(self, name, grown)
        self._rows[len(self._models) - 1 :, FIRST] = UNKNOWN

    def _clear(self, member: int) -> None:
        self._rows[member] = 0.0
        self._rows[member, [FIRST, SEEN, TAINTED]] = UNKNOWN
        self.counts[member] = 0
        self._low[member] = self._usual[member] = UNKNOWN


def _settings(config: ModelConfig) -> tuple[float, float]:
    silence = config.silence
    after = 0.0 if silence.after is None else silence.after.total_seconds() / _MINUTE
    found = [0.0, 0.0]
    found[AFTER] = after if silence.watch else -1.0
    found[WATCH_VOLUME] = float(config.volume)
    return found[0], found[1]


def _in_order(parts: Sequence[Part]) -> tuple[Ints, Ints, Ints, Floats]:
    """Return place in the table, sort key, offset and time of each event, in log order."""
    places = np.concatenate([part[2] for part in parts])
    order = np.argsort(places, kind="stable")
    members = [np.repeat(of_runs, runs[:, 2] - runs[:, 1]) for runs, of_runs, *_ in parts]
    offsets, ts = (np.concatenate([part[at] for part in parts]) for at in (3, 4))
    return np.concatenate(members)[order], places[order], offsets[order], ts[order]
