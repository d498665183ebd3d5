"""Detectors on the errors of many learners, each in a slot, fed together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from detectors.bank import Floats, Ints
from detectors.watch import Alarm, Watch
from streamproc.contract.detector_spec import DetectorSpec, labelled
from streamproc.models.play import Played


class Series(NamedTuple):
    """The errors of one learner in a stretch, with event times and offsets."""

    slot: int
    errors: Floats
    ts: Floats
    offsets: Ints


# What alarms when a model errs more. Errors of a classifier are 0 or 1; those of a regression are
# numbers in its own unit, so their series is standardised by its first 200.
_DRIFT: Final = {"classifier": "ddm", "regressor": "page_hinkley"}
_WARNING: Final[dict[str, dict[str, dict[str, float]]]] = {
    "classifier": {"ddm": {"warning_threshold": 2.0, "drift_threshold": 2.5}},
    "regressor": {"page_hinkley": {"threshold": 20.0}},
}


def drift_detectors(kind: str, given: Sequence[DetectorSpec]) -> tuple[DetectorSpec, ...]:
    """Give the detectors of drift: those of the config, else the default of the kind of model."""
    return tuple(given) or (DetectorSpec.model_validate(_DRIFT[kind]),)


def warning_detectors(kind: str, given: Sequence[DetectorSpec]) -> tuple[DetectorSpec, ...]:
    """Give the detectors of a warning, which comes sooner, and is false more often."""
    return tuple(given) or (DetectorSpec.model_validate(_WARNING[kind]),)


class OwnError:
    """One set of detectors, and a slot for every learner that it watches."""

    def __init__(self, specs: tuple[DetectorSpec, ...]) -> None:
        self.watch = Watch({label: spec.params for label, spec in labelled(specs).items()})
        self.used = 0

    def take(self) -> int:
        """Return a slot that no learner has yet."""
        if self.used == self.watch.size:
            self.watch.resize(max(8, 2 * self.watch.size))
        self.used += 1
        return self.used - 1

    def reset(self, slot: int) -> None:
        """Forget a learner's errors: another version answers."""
        self.watch.reset(np.array([slot]))

    def scan(self, series: list[Series]) -> dict[int, list[Alarm]]:
        """Feed the errors of several learners; slot → alarms, rows counted in its own errors."""
        if not series:
            return {}
        sizes = [len(each.errors) for each in series]
        stops = np.cumsum(sizes)
        tasks = np.zeros((len(series), 4), np.int64)
        tasks[:, 1], tasks[:, 2] = stops - sizes, stops
        tasks[:, 3] = [each.slot for each in series]
        alarms = self.watch.scan(
            np.concatenate([each.errors for each in series])[None],
            tasks,
            np.concatenate([each.ts for each in series]),
            np.concatenate([each.offsets for each in series]),
        )
        begins = dict(zip(tasks[:, 3].tolist(), tasks[:, 1].tolist(), strict=True))
        found: dict[int, list[Alarm]] = {}
        for alarm in alarms:
            row = alarm.row - begins[alarm.slot]
            found.setdefault(alarm.slot, []).append(replace(alarm, row=row, column=0))
        return found

    def dump(self) -> list[Any]:
        """Write down what is known of all slots."""
        state = {
            name: [
                part[: self.used].dtype.str,
                list(part[: self.used].shape),
                _bytes(part, self.used),
            ]
            for name, part in self.watch.state().items()
        }
        return [self.used, state]

    def load(self, written: list[Any]) -> None:
        """Take what `dump` wrote."""
        self.used, state = written
        self.watch.load(
            {
                name: np.frombuffer(data, dtype).reshape(shape).copy()
                for name, (dtype, shape, data) in state.items()
            }
        )


def _bytes(part: Any, used: int) -> bytes:
    return bytes(np.ascontiguousarray(part[:used]).tobytes())


Watches = Sequence[tuple[OwnError, int]]
"""The detectors of drift and, where there are any, of a warning, each with a slot."""


def scan(stretch: Sequence[tuple[Watches, Played]]) -> list[tuple[list[Alarm], list[Alarm]]]:
    """Feed the errors of those that answer; drift and warnings of each, by the place of the label.

    All learners that share detectors are fed at once.
    """
    found: list[tuple[list[Alarm], list[Alarm]]] = [([], []) for _ in stretch]
    banks: dict[OwnError, list[tuple[int, int, Series, Ints]]] = {}
    for place, (watches, played) in enumerate(stretch):
        there = np.flatnonzero(~np.isnan(played.errors))
        if not len(there):
            continue
        ops = [played.ops[at] for at in played.judged[there].tolist()]
        ts, offsets = np.array([op.ts for op in ops]), np.array([op.offset for op in ops])
        for what, (bank, slot) in enumerate(watches):
            series = Series(slot, played.errors[there], ts, offsets)
            banks.setdefault(bank, []).append((place, what, series, there))
    for bank, fed in banks.items():
        alarms = bank.scan([series for _, _, series, _ in fed])
        for place, what, series, there in fed:
            found[place][what].extend(
                replace(alarm, row=int(there[alarm.row])) for alarm in alarms.get(series.slot, [])
            )
    return found
