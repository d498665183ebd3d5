"""Monitor the errors of many online models, one detector slot for each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from streamproc.config.detector_spec import DetectorSpec, labelled
from streamproc.detectors.series_monitor import Alarm, SeriesMonitor
from streamproc.online.batch_step import BatchResult
from streamproc.online.event_batch import EventBatch

# What alarms when a model errs more. Errors of a classifier are 0 or 1; those of a regression are
# numbers in its own unit, so their series is standardised by its first 200.
_DRIFT: Final = {"classifier": "ddm", "regressor": "page_hinkley"}
_WARNING: Final[dict[str, dict[str, dict[str, float]]]] = {
    "classifier": {"ddm": {"warning_threshold": 2.0, "drift_threshold": 2.5}},
    "regressor": {"page_hinkley": {"threshold": 20.0}},
}


def drift_detectors(kind: str, given: Sequence[DetectorSpec]) -> tuple[DetectorSpec, ...]:
    """Return the drift detectors of the configuration, or the default for the kind of model."""
    return tuple(given) or (DetectorSpec.model_validate(_DRIFT[kind]),)


def warning_detectors(kind: str, given: Sequence[DetectorSpec]) -> tuple[DetectorSpec, ...]:
    """Return the detectors of warnings, which are earlier and more often false."""
    return tuple(given) or (DetectorSpec.model_validate(_WARNING[kind]),)


class ErrorMonitor:
    """One set of detectors, with a slot for each monitored model."""

    def __init__(self, specs: tuple[DetectorSpec, ...]) -> None:
        self.watch = SeriesMonitor({label: spec.params for label, spec in labelled(specs).items()})
        self.used = 0

    def take(self) -> int:
        """Return an unused slot."""
        if self.used == self.watch.size:
            self.watch.resize(max(8, 2 * self.watch.size))
        self.used += 1
        return self.used - 1

    def reset(self, slot: int) -> None:
        """Reset a slot after a change of the champion."""
        self.watch.reset(np.array([slot]))

    def scan(self, fed: Sequence[int], played: BatchResult) -> list[Alarm]:
        """Feed the errors of several learners; `fed` are the tasks of `SeriesMonitor.scan`."""
        tasks = np.array(fed, np.int64).reshape(-1, 4)
        return self.watch.scan(played.errors[None], tasks, played.ts, played.offsets)

    def dump(self) -> list[Any]:
        """Return the state of all slots as plain values."""
        state = {
            name: [part.dtype.str, list(part.shape), part.tobytes()]
            for name, part in self.watch.state(self.used).items()
        }
        return [self.used, state]

    def load(self, written: list[Any]) -> None:
        """Take what `dump` wrote."""
        self.used, state = written
        types = {name: part.dtype for name, part in self.watch.state().items()}
        found = {}
        for name, (dtype, shape, data) in state.items():
            if dtype != types[name].str:  # numpy would parse any text as a type
                raise ValueError(name)
            found[name] = np.frombuffer(data, types[name]).reshape(shape).copy()
        self.watch.load(found)


Watches = Sequence[tuple[ErrorMonitor, int]]
"""The detectors of drift and, where there are any, of a warning, each with a slot."""


def scan(
    watches: Sequence[Watches], stretches: Sequence[EventBatch], played: BatchResult
) -> dict[int, tuple[list[Alarm], list[Alarm]]]:
    """Feed the errors of those that count; drift and warnings, by the place of the stretch.

    Rows of alarms count in the stretch's own labels. All that share detectors are fed at once.
    """
    banks: dict[ErrorMonitor, tuple[list[int], dict[int, tuple[int, int]]]] = {}
    for place, (watched, stretch) in enumerate(zip(watches, stretches, strict=True)):
        if stretch.judged:
            stop = stretch.first + len(stretch.judged)
            for what, (bank, slot) in enumerate(watched):
                fed, places = banks.get(bank) or banks.setdefault(bank, ([], {}))
                fed += (0, stretch.first, stop, slot)
                places[slot] = place, what
    found: dict[int, tuple[list[Alarm], list[Alarm]]] = {}
    for bank, (fed, places) in banks.items():
        for alarm in bank.scan(fed, played):
            place, what = places[alarm.slot]
            row = alarm.row - stretches[place].first
            found.setdefault(place, ([], []))[what].append(replace(alarm, row=row, column=0))
    return found
