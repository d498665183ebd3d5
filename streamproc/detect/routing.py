"""Route the rows of a matrix, and its missing values, to the detector groups of their series."""

from collections.abc import Iterator

import numpy as np

from streamproc.decode.layout import UNWATCHED, Layout
from streamproc.decode.matrix import Matrix
from streamproc.decode.present_values import PresentValues
from streamproc.detect.detector_input import DetectorInput, of_present, sources_of
from streamproc.detect.joint_routing import route_joint
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
    values, complete = data.values, False
    if isinstance(values, PresentValues):
        sources = sources_of(values, data)
    else:
        features = len(layout.named)
        complete = is_complete(values, features, data.runs, layout.quality, UNWATCHED)
    groups = catalogue.groups[layout]
    for group, columns in groups.columns:
        tasks = np.empty((len(data.runs) * len(columns), 4), np.int64)
        count = write_tasks(data.runs, columns, layout.slots, UNWATCHED, tasks)
        if isinstance(values, PresentValues):
            yield of_present(group, values, tasks[:count], layout.series, sources)
        else:
            yield DetectorInput(group, values, tasks[:count], layout.series)
    if groups.joint is not None:
        yield from route_joint(catalogue, layout, data, groups.joint)
    if not complete:
        yield from route_missing(catalogue, layout, data)
