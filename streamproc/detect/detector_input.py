"""The input of one detector group: values, and the events that they come from."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.decode.present_kernel import write_tasks_of_present
from streamproc.decode.present_values import PresentValues
from streamproc.detect.detector_group import DetectorGroup


class Sources(NamedTuple):
    """Where the values of an input come from, if its columns are not the events of the matrix.

    Attributes
    ----------
    events
        (columns,): column of the matrix of each column of the input.
    series
        (columns,): index in `names` of each column, if the input has one row for all series.
    ts, offsets
        (columns,): event time and offset.
    """

    events: Ints
    series: Ints | None
    ts: Floats
    offsets: Ints


class JointChange(NamedTuple):
    """What changed in how the features of a model vary together.

    Attributes
    ----------
    features
        How many there are.
    pair
        The two whose correlation changed most; None if unknown.
    before, after
        Their correlation in the reference, and over the last events.
    """

    features: int
    pair: tuple[str, str] | None = None
    before: float = 0.0
    after: float = 0.0


class DetectorInput(NamedTuple):
    """The input of one detector group.

    Attributes
    ----------
    profile
        The group.
    values
        (series, events), or as `sources` says.
    tasks
        (k, 4): row of `values`, first column, column after the last, slot.
    names
        Series name of each row of `values`.
    sources
        None: the columns are those of the matrix.
    joint
        Tells what changed at a column, of the series of all numeric features; None for others.
    """

    profile: DetectorGroup
    values: Floats
    tasks: Ints
    names: Sequence[str]
    sources: Sources | None = None
    joint: Callable[[int], JointChange] | None = None

    def locate(self, row: int, column: int) -> tuple[str, int]:
        """Return the series, and the column of the matrix, of a value."""
        if self.sources is None:
            return self.names[row], column
        series = self.sources.series
        name = self.names[row if series is None else int(series[column])]
        return name, int(self.sources.events[column])


def sources_of(present: PresentValues, data: Matrix) -> Sources:
    """Return where the present values of a matrix come from, as one row."""
    events = present.events
    return Sources(events, present.series, data.ts[events], data.offsets[events])


def of_present(
    group: DetectorGroup, present: PresentValues, tasks: Ints, names: Sequence[str], of: Sources
) -> DetectorInput:
    """Return an input without missing values, which detectors skip: the result is the same.

    Parameters
    ----------
    group, tasks, names
        As of an input with all values.
    present
        The values.
    of
        As `sources_of` returns it.
    """
    found = np.empty_like(tasks)
    count = write_tasks_of_present(present.starts, present.events, tasks, found)
    return DetectorInput(group, present.values[None], found[:count], names, of)
