"""Estimate the loss of the last predictions of each model version, before labels arrive.

The result feeds metrics only. Predictions and outcomes are two logs, and their relative read
positions depend on timing, so no alert and no snapshot may depend on both.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from streamproc.decode.event_schema import PredictionForm
from streamproc.decode.layout import Layout
from streamproc.performance.metrics import WINDOW, Floats
from streamproc.performance.scored_form import Stated, stated
from streamproc.performance.track import ModelTrack
from streamproc.performance.tracks import Performance
from streamproc.schemas.version_key import version_key


class RecentPredictions:
    """Hold the last predictions of each model version that has a track.

    Parameters
    ----------
    performance
        The tracks of the same partition; also an attribute.
    """

    def __init__(self, performance: Performance) -> None:
        self.performance = performance
        self._last: dict[str, deque[Stated]] = {}

    def observe(self, layout: Layout, events: Iterable[Any]) -> None:
        """Add the predictions of events of one layout."""
        tracks = self.performance.tracks
        if not tracks or layout.shape.form is PredictionForm.NONE:
            return
        for event in events:
            key = version_key(event.model_id, event.model_version)
            track = tracks.get(key)
            if track is not None:
                last = self._last.setdefault(key, deque(maxlen=WINDOW))
                last.append(_stated(track, layout, event.prediction))
        for key in self._last.keys() - tracks.keys():
            del self._last[key]

    def expected(self, key: str) -> float | None:
        """Return the mean expected loss of a version's last predictions; None without any."""
        track, last = self.performance.tracks.get(key), self._last.get(key)
        if track is None or not last:
            return None
        rows: Floats = np.array(last)
        return track.estimate.mean(track.task, rows[:, 0], rows[:, 1])


def _stated(track: ModelTrack, layout: Layout, prediction: Any) -> Stated:
    """Return a decoded prediction in the form in which labels are scored."""
    if isinstance(prediction, Struct):
        prediction = dict(zip(layout.shape.classes, astuple(prediction), strict=True))
    return stated(track, prediction)
