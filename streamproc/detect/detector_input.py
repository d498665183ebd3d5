"""The input of one detector group: values, and the events that they come from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamproc.decode.matrix import Floats, Ints, Matrix, count_present
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.routing_kernel import gather_present


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
    """

    profile: DetectorGroup
    values: Floats
    tasks: Ints
    names: Sequence[str]
    sources: Sources | None = None

    def locate(self, row: int, column: int) -> tuple[str, int]:
        """Return the series, and the column of the matrix, of a value."""
        if self.sources is None:
            return self.names[row], column
        series = self.sources.series
        name = self.names[row if series is None else int(series[column])]
        return name, int(self.sources.events[column])


def without_missing(fed: DetectorInput, data: Matrix) -> DetectorInput:
    """Return an input without its missing values, which detectors skip: the result is the same.

    Parameters
    ----------
    fed
        An input whose columns are those of the matrix.
    data
        The matrix.
    """
    present = count_present(data.values)
    values = np.empty((1, present))
    series, events = np.empty(present, np.int64), np.empty(present, np.int64)
    tasks = np.empty_like(fed.tasks)
    count, left = gather_present(fed.values, fed.tasks, values[0], series, events, tasks)
    values, series, events = values[:, :count].copy(), series[:count], events[:count]
    sources = Sources(events, series, data.ts[events], data.offsets[events])
    return DetectorInput(fed.profile, values, tasks[:left], fed.names, sources)
