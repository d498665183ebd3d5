"""Hold which detectors watch the series of a layout."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from streamproc.decode.layout import UNWATCHED, Ints, Layout
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.segment_groups import SegmentGroups
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import JOINT


class LayoutGroups:
    """The detector groups of the series of a layout.

    Parameters
    ----------
    layout
        The layout.
    groups
        Group of each series, by name; None if it is not watched.
    quality
        Group of the missing-value series of each feature of `Layout.named`; also an attribute.
    joint
        Group of the series of all numeric features together; None if they are not watched so.

    segments
        Groups of the series within the values of tags, by tag; also an attribute.

    Attributes
    ----------
    by_name
        Group of each series; None if it is not watched.
    by_column
        Group of each of `Layout.series`.
    quality_groups, quality_numbers
        The groups of missing-value series, None if there is one without; and (features,): index of
        each feature's.
    """

    def __init__(
        self,
        layout: Layout,
        groups: Mapping[str, DetectorGroup | None],
        quality: Sequence[DetectorGroup | None],
        joint: DetectorGroup | None = None,
        segments: Mapping[str, SegmentGroups] | None = None,
    ) -> None:
        self.joint = joint
        self.segments = dict(segments or {})
        self.by_name = dict(groups)
        self._named = layout.named
        self._series = names = layout.series
        self.by_column = tuple(map(self.by_name.__getitem__, names))
        if len(groups) < len(names):
            # An embedding's series with the same name as a plain feature is not watched.
            first = dict(zip(reversed(names), range(len(names))[::-1], strict=True))
            self.by_column = tuple(
                groups[name] if first[name] == place else None for place, name in enumerate(names)
            )
        self.quality = tuple(quality)
        numbers = {group: number for number, group in enumerate(dict.fromkeys(quality))}
        self.quality_groups = tuple(numbers)
        self.quality_numbers: Ints = np.array([numbers[each] for each in quality], np.int64)

    @cached_property
    def columns(self) -> Sequence[tuple[DetectorGroup, Ints]]:
        """Each detector group with the columns of the series that it watches."""
        found: dict[DetectorGroup, list[int]] = {}
        for column, group in enumerate(self.by_column):
            if group is not None:
                found.setdefault(group, []).append(column)
        return tuple((group, np.array(columns, np.int64)) for group, columns in found.items())

    @cached_property
    def watched(self) -> Mapping[DetectorGroup, Sequence[str]]:
        """Names of the series that each detector group watches; the groups by their first."""
        found: dict[DetectorGroup, list[str]] = {}
        for name, group in zip(self._series, self.by_column, strict=True):
            if group is not None:
                found.setdefault(group, []).append(name)
        return found

    @cached_property
    def blank(self) -> Mapping[str, int]:
        """The watched series in their order, each without a slot."""
        pairs = zip(self._series, self.by_column, strict=True)
        return {name: UNWATCHED for name, group in pairs if group is not None}

    def quality_by_name(self) -> dict[str, DetectorGroup | None]:
        """Return the group of the missing-value series of each feature."""
        return dict(zip(self._named, self.quality, strict=True))

    def of(self, series: str) -> DetectorGroup | None:
        """Return the group of a series; None if it is not watched or does not exist."""
        found = None if series in self.by_name else segment_of(series)
        if found is not None:
            groups = self.segments.get(found.tag)
            return None if groups is None else groups.by_name.get(found.series)
        return self.joint if series == JOINT else self.by_name.get(series)
