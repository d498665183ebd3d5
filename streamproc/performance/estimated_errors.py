"""Estimate the error of predictions before their labels arrive, as a series to watch.

The values of the series are a fixed function of the predictions: the expected losses of `Estimate`
as they were when a version had `MIN_LABELS` labels. If they went on learning, every label would
move them a little, and detectors would find the noise of a few labels per bin in thousands of
predictions. So predictions that are drawn as before give values that are drawn as before.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streamproc.config.segments import Segments
from streamproc.performance.estimate import Estimate
from streamproc.performance.scored_form import stated
from streamproc.performance.segment_estimates import (
    SegmentEstimates,
    TagColumns,
    segment_values,
)
from streamproc.performance.track import ModelTrack
from streamproc.schemas.series import ESTIMATED, PER_ESTIMATE

MIN_LABELS: Final = 500
"""Labels from which the expected losses are taken: 25 per bin on average. With fewer, bins differ
by chance, and a harmless change of the predictions would look like one of the error."""
COMPARED: Final = 100
"""Labels over which an estimate is compared with the measured error, as many as a window has."""
MAX_COMPARED: Final = 5
"""Comparisons that are kept."""
# Limits what a forged record costs.
_MAX_PREDICTIONS: Final = 1000


class EstimatedErrors(msgspec.Struct):
    """Estimate the errors of a version, and compare them with those that labels show later.

    Attributes
    ----------
    curve
        The expected losses; None until there are `MIN_LABELS` labels.
    offset, ts
        Source offset and time of the last prediction window; -1 and 0 before the first.
    count, expected, measured
        Labels since the last comparison, and the sums of their estimated and measured losses.
    deviations
        Absolute differences of the means in the last comparisons, oldest first.
    segments
        Expected losses within segments, by tag.
    """

    curve: Estimate | None = None
    offset: int = -1
    ts: float = 0.0
    count: int = 0
    expected: float = 0.0
    measured: float = 0.0
    deviations: list[float] = []
    segments: dict[str, SegmentEstimates] = {}

    def is_next(self, offset: int, ts: float) -> bool:
        """Advance to a window; return False if it repeats earlier ones.

        Parameters
        ----------
        offset
            Source offset of its last prediction. A join that has lost its store, and whose topics
            do not reach back to their start, cuts old predictions into other windows and writes
            them again.
        ts
            Time of that prediction, seconds since 1970. The offsets of a topic that was recreated
            are smaller, but its times are not.
        """
        if offset < self.offset and ts <= self.ts:
            return False
        self.offset, self.ts = offset, ts
        return True

    def values(
        self,
        track: ModelTrack,
        predictions: Sequence[Any],
        settings: Segments | None = None,
        columns: TagColumns | None = None,
    ) -> list[dict[str, float]]:
        """Return the mean expected losses of a window, by series.

        Parameters
        ----------
        track
            Of the version.
        predictions
            The predictions, in log order.
        settings
            The segments of the model.
        columns
            Tag → its value for each prediction; None: the record has no tags.

        Returns
        -------
        list of dict
            For every `PER_ESTIMATE` predictions: their mean, and the means of segments that they
            complete. Predictions that do not fit the task are left out, as are entries without any
            other; without a `curve` there is none.
        """
        curve = self.curve
        if curve is None:
            return []
        losses = [
            math.nan if each is None else self._loss(curve, track, *stated(track, each))
            for each in predictions[:_MAX_PREDICTIONS]
        ]
        found: list[dict[str, float]] = []
        for start in range(0, len(losses), PER_ESTIMATE):
            some = [loss for loss in losses[start : start + PER_ESTIMATE] if not math.isnan(loss)]
            found.append({ESTIMATED: sum(some) / len(some)} if some else {})
        for index, series, mean in segment_values(self.segments, settings, columns or {}, losses):
            found[index // PER_ESTIMATE][series] = mean
        return [each for each in found if each]

    def compare(self, track: ModelTrack, predicted: float, chance: float, loss: float) -> None:
        """Add a label, which the track has already; the parameters are those of its last row."""
        if self.curve is None:
            if track.seen >= MIN_LABELS:
                given = track.estimate
                self.curve = Estimate(
                    list(given.weights), list(given.losses), given.unit, given.edges
                )
            return
        self.count += 1
        self.expected += self._loss(self.curve, track, predicted, chance)
        self.measured += loss
        if self.count >= COMPARED:
            apart = abs(self.expected - self.measured) / self.count
            self.deviations = [*self.deviations, apart][-MAX_COMPARED:]
            self.count, self.expected, self.measured = 0, 0.0, 0.0

    @staticmethod
    def _loss(curve: Estimate, track: ModelTrack, predicted: float, chance: float) -> float:
        if math.isnan(predicted):
            return math.nan
        return curve.expected(track.task, predicted, None if math.isnan(chance) else chance)
