"""Route the values of each segment to the detector groups of its series."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from streamproc.decode.event_tags import Tags
from streamproc.decode.layout import UNWATCHED, Layout
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.decode.present_values import PresentValues
from streamproc.detect.detector_input import DetectorInput, Sources
from streamproc.detect.segment_kernel import write_dense, write_present
from streamproc.detect.segments import Segment
from streamproc.detect.series_registry import SeriesRegistry


def route_segments(
    catalogue: SeriesRegistry, layout: Layout, data: Matrix, read: Callable[[], Sequence[Tags]]
) -> Iterator[DetectorInput]:
    """Yield the inputs of the series within segments, in log order of each.

    Parameters
    ----------
    catalogue
        Registry in which the series are created.
    layout, data
        The events.
    read
        Returns the tags of the events, in log order; called only if a tag is watched.
    """
    by_tag = catalogue.groups[layout].segments
    if not by_tag:
        return
    tags = read()
    ordered = [tags[at] for at in data.order.tolist()]
    for tag, groups in by_tag.items():
        values = [None if each is None else each.get(tag) for each in ordered]
        segments: list[Segment] = []
        codes = np.full(len(values), UNWATCHED, np.int64)
        for row, start, stop in data.runs.tolist():
            model = layout.model(row)
            of_model = catalogue.segments.of(model)
            places = of_model.values[tag].places(values[start:stop])
            of_tag = of_model.of(tag)
            code_of = np.full(len(of_tag) + 1, UNWATCHED)  # the last one is that of no segment
            for place in np.unique(places[places >= 0]).tolist():
                code_of[place] = len(segments)
                of_tag[place].fit(model, groups)
                segments.append(of_tag[place])
            codes[start:stop] = code_of[places]
        if segments:
            for group, columns in groups.columns:
                flat = _Flat(data, codes, segments, columns)
                yield DetectorInput(group, flat.values, flat.tasks, flat.names, flat.sources)


class _Flat:
    """The values of some series within segments, one behind the other in one row."""

    def __init__(
        self, data: Matrix, codes: Ints, segments: Sequence[Segment], columns: Ints
    ) -> None:
        slots = np.array([segment.slots[columns] for segment in segments])
        present = data.values
        if isinstance(present, PresentValues):
            most = int(np.diff(present.starts)[columns].sum())
        else:
            most = len(columns) * int(np.count_nonzero(codes >= 0))
        values: Floats = np.empty((1, most))
        events, series = np.empty(most, np.int64), np.empty(most, np.int64)
        tasks = np.empty((slots.size, 4), np.int64)
        out = values[0], events, series, tasks
        if isinstance(present, PresentValues):
            count, used = write_present(*present, codes, columns, slots, out)
        else:
            count, used = write_dense(present, codes, columns, slots, out)
        events, series = events[:used], series[:used]
        self.values, self.tasks = values[:, :used], tasks[:count]
        self.names = [segment.names[column] for segment in segments for column in columns.tolist()]
        self.sources = Sources(events, series, data.ts[events], data.offsets[events])
