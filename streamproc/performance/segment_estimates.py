"""Estimate the error of predictions within segments, from the tags of prediction windows.

Which values of a tag have a series is decided as for features (`streamproc.detect.tag_values`), by
the predictions of the windows alone, so that it is a function of the log of outcomes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from streamproc.config.segments import Segments
from streamproc.detect.tag_values import TagCounts, TagValues
from streamproc.schemas.segment_series import SegmentSeries
from streamproc.schemas.series import ESTIMATED, PER_ESTIMATE

TagColumns = Mapping[str, Sequence[str | None]]
"""Tag → its value for each prediction of a window."""


class SegmentEstimates(msgspec.Struct):
    """The expected losses of a version by the values of one tag.

    Attributes
    ----------
    counts
        Which values have a series, and the counters of others.
    sums
        By value with a series: predictions since its last value, and the sum of their losses.
    """

    counts: TagCounts = msgspec.field(default_factory=TagCounts)
    sums: dict[str, tuple[int, float]] = {}

    def add(
        self, tag: str, values: Sequence[str | None], losses: Sequence[float], largest: int
    ) -> Iterator[tuple[int, str, float]]:
        """Add the predictions of a window; yield the mean loss of every `PER_ESTIMATE` of a value.

        Parameters
        ----------
        tag
            The tag.
        values
            Its value for each prediction.
        losses
            Their expected losses; NaN for a prediction that does not fit the task.
        largest
            Maximum number of values with a series.

        Yields
        ------
        tuple of int, str and float
            Index of the last prediction of the mean, name of the series, and the mean.
        """
        known = TagValues(largest, self.counts)
        places = known.places(values[: len(losses)]).tolist()
        for index, (value, place, loss) in enumerate(zip(values, places, losses, strict=False)):
            if value is None or place < 0 or math.isnan(loss):
                continue
            count, total = self.sums.get(value, (0, 0.0))
            count, total = count + 1, total + loss
            if count == PER_ESTIMATE:
                yield index, SegmentSeries(tag, value, ESTIMATED).key, total / count
                count, total = 0, 0.0
            self.sums[value] = count, total
        self.counts = known.state()


def segment_values(
    estimates: dict[str, SegmentEstimates],
    settings: Segments | None,
    columns: TagColumns,
    losses: Sequence[float],
) -> list[tuple[int, str, float]]:
    """Return the values that a window adds to the series of segments.

    Parameters
    ----------
    estimates
        By tag; updated in place. Tags that are configured no longer are dropped.
    settings
        The configured segments; None: there are none.
    columns
        The tags of the window.
    losses
        Expected losses of its predictions.

    Returns
    -------
    list of tuple of int, str and float
        See `SegmentEstimates.add`.
    """
    tags = () if settings is None else settings.tags
    for tag in [tag for tag in estimates if tag not in tags]:
        del estimates[tag]
    found: list[tuple[int, str, float]] = []
    for tag in tags:
        if tag in columns and settings is not None:
            of_tag = estimates.setdefault(tag, SegmentEstimates())
            found += of_tag.add(tag, columns[tag], losses, settings.largest)
    return found
