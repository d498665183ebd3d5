"""Look up which detectors watch the series of a layout within segments."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streamproc.decode.event_schema import EventSchema
from streamproc.decode.layout import Ints
from streamproc.detect.detector_group import DetectorGroup


class SegmentGroups(NamedTuple):
    """The detectors of the series of a layout within the values of one tag.

    Attributes
    ----------
    by_name
        Group of each series that is watched.
    columns
        Each group with the columns of its series in the matrix.
    """

    by_name: Mapping[str, DetectorGroup]
    columns: Sequence[tuple[DetectorGroup, Ints]]


def segment_groups_of(
    shape: EventSchema,
    tags: Sequence[str],
    group_of: Callable[[str, str], DetectorGroup | None],
) -> dict[str, SegmentGroups]:
    """Return the detector groups within segments by tag: of numeric features and predictions.

    Parameters
    ----------
    shape
        The schema of the events.
    tags
        The tags.
    group_of
        Returns the group of a tag and a series.
    """
    found: dict[str, SegmentGroups] = {}
    first = len(shape.series()) - shape.has_number - len(shape.classes)
    numbers = [*range(len(shape.numbers)), *range(first, len(shape.series()))]
    names = shape.series()
    for tag in tags:
        by_name: dict[str, DetectorGroup] = {}
        columns: dict[DetectorGroup, list[int]] = {}
        for column in numbers:
            group = group_of(tag, names[column])
            if group is not None:
                by_name[names[column]] = group
                columns.setdefault(group, []).append(column)
        of_groups = tuple((group, np.array(of, np.int64)) for group, of in columns.items())
        found[tag] = SegmentGroups(by_name, of_groups)
    return found
