"""Route the rows of a matrix, and its missing values, to the detector groups of their series."""

from collections.abc import Iterator

import numpy as np

from streamproc.decode.layout import UNWATCHED, Layout
from streamproc.decode.matrix import Matrix, is_sparse
from streamproc.detect.detector_input import DetectorInput, without_missing
from streamproc.detect.missing_values import route_missing
from streamproc.detect.routing_kernel import is_complete, write_tasks
from streamproc.detect.series_registry import SeriesRegistry


def route(catalogue: SeriesRegistry, layout: Layout, data: Matrix) -> Iterator[DetectorInput]:
    """Yield the inputs of the detector groups, in log order of each series.

    Each must be processed before the next is taken: whether a missing-value series is summarised
    depends on its first values.

    Parameters
    ----------
    catalogue
        Registry in which missing-value series are created.
    layout
        Layout of the events.
    data
        The events.
    """
    features = len(layout.named)
    complete = is_complete(data.values, features, data.runs, layout.quality, UNWATCHED)
    sparse = not complete and is_sparse(data.values)
    for group, columns in layout.groups:
        tasks = np.empty((len(data.runs) * len(columns), 4), np.int64)
        count = write_tasks(data.runs, columns, layout.slots, UNWATCHED, tasks)
        fed = DetectorInput(group, data.values, tasks[:count], layout.series)
        yield without_missing(fed, data) if sparse else fed
    if not complete:
        yield from route_missing(catalogue, layout, data)
