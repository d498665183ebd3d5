"""Route the numeric features of models, together, to the detectors that watch them so."""

from collections.abc import Iterator, Sequence

import numpy as np

from streamproc.decode.layout import Layout, Model
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.decode.present_values import PresentValues
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.detector_input import DetectorInput, JointChange
from streamproc.detect.joint_features import BEGIN, chosen
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.detectors.series.pair_products import OUTPUTS, PairProducts
from streamproc.schemas.series import JOINT

_Runs = list[tuple[Model, int, int]]  # of models with equally many features: first event, stop


def route_joint(
    catalogue: SeriesRegistry, layout: Layout, data: Matrix, group: DetectorGroup
) -> Iterator[DetectorInput]:
    """Yield the inputs of the series of all numeric features, which is of a detector group.

    Other parameters are as of `route`.

    The features of a model are chosen at its 50th event, or at its next one where it has more.
    Then it is the log alone that decides which they are, and not how it is cut into slices.
    """
    for count, runs in _by_count(catalogue, layout, data, group).items():
        bank = catalogue.joint.banks[count]
        columns = [[layout.columns.get(name, -1) for name in _names(run[0])] for run in runs]
        of_bank = [(start, stop, _slot(model)) for model, start, stop in runs]
        out = np.full((len(OUTPUTS), len(data.ts)), np.nan)
        values, places = _dense(data, np.array(columns, np.int64))
        bank.scan_checked(values, places, np.array(of_bank, np.int64), out)
        tasks = [(0, start, stop, model.slots[JOINT]) for model, start, stop in runs]
        changes = _Changes(bank, runs, out)
        yield DetectorInput(group, out[:1], np.array(tasks, np.int64), (JOINT,), None, changes)


class _Changes:
    """Tells what changed at an event."""

    def __init__(self, bank: PairProducts, runs: _Runs, out: Floats) -> None:
        self._bank, self._runs, self._out = bank, runs, out

    def __call__(self, event: int) -> JointChange:
        model = next(model for model, start, stop in self._runs if start <= event < stop)
        names, pair = _names(model), self._bank.pair_of(self._out[:, event])
        if pair is None:
            return JointChange(len(names))
        return JointChange(
            len(names), (names[pair.one], names[pair.other]), pair.before, pair.after
        )


def _by_count(
    catalogue: SeriesRegistry, layout: Layout, data: Matrix, group: DetectorGroup
) -> dict[int, _Runs]:
    """Return the runs of the models that are watched so, by number of features; begin new ones."""
    found: dict[int, _Runs] = {}
    for row, start, stop in data.runs.tolist():
        model, begin, joint = layout.model(row), start, layout.model(row).joint
        if joint is None:
            before = int(layout.events[row])
            begin = start + max(0, BEGIN - before)
            if begin >= stop:
                continue
            joint = catalogue.watch_together(model, chosen(model, max(before, BEGIN)), group)
        if joint.names:
            found.setdefault(len(joint.names), []).append((model, begin, stop))
    return found


def _names(model: Model) -> Sequence[str]:
    return () if model.joint is None else model.joint.names


def _slot(model: Model) -> int:
    return -1 if model.joint is None else model.joint.slot


def _dense(data: Matrix, columns: Ints) -> tuple[Floats, Ints]:
    """Return a matrix that has these columns, and where they are in it; -1 stays."""
    present = data.values
    if not isinstance(present, PresentValues):
        return present, columns
    used, places = np.unique(columns, return_inverse=True)
    values = np.full((len(used), len(data.ts)), np.nan)
    for place, column in enumerate(used.tolist()):
        if column >= 0:
            span = slice(present.starts[column], present.starts[column + 1])
            values[place, present.events[span]] = present.values[span]
    return values, np.where(columns < 0, -1, places.reshape(columns.shape))
