"""Turn events of the outcome decoder into performance alerts of one partition."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np

from streamproc.alerting.incidents import Incidents
from streamproc.alerting.messages import estimate_note, explanation_note, performance_note
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.decode.layout import Model
from streamproc.decode.matrix import Matrix, seconds
from streamproc.decode.present_values import PresentValues
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.performance.alerts import COVERAGE, FLOOR, RELEASE, PerformanceAlerts
from streamproc.performance.baseline import Verdict
from streamproc.performance.estimated_errors import COMPARED
from streamproc.performance.label_bias import LabelBiasTest
from streamproc.performance.label_bias import Verdict as BiasVerdict
from streamproc.performance.losses import ScoredPrediction
from streamproc.performance.outcome_decoder import EventPosition, Hooks
from streamproc.performance.tracks import Performance
from streamproc.performance.version_comparison import VersionComparison
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip_message
from streamproc.schemas.series import ERROR, ESTIMATED
from streamproc.schemas.version_key import model_of, version_of


class PerformanceMonitor:
    """Monitor the performance of the models of one partition of `outcomes`.

    Parameters
    ----------
    catalogue, incidents
        Series and open incidents of the partition.
    emit
        Called with each alert.
    """

    def __init__(
        self, catalogue: SeriesRegistry, incidents: Incidents, emit: Callable[[PendingAlert], None]
    ) -> None:
        self.performance = Performance(catalogue.config.group)
        self.hooks = Hooks(
            forgotten=self._forgotten,
            mistaken=self._mistaken,
            floor=self._floor,
            begun=self._begun,
            bias=self._bias,
            release=self._release,
        )
        self.now: datetime
        self._catalogue, self._incidents, self._emit = catalogue, incidents, emit

    def remark(self, model: Model, data: Matrix, column: int, alert: AlertEvent) -> AlertEvent:
        """Add to an alert the metrics since the change, and the features that explain it."""
        if alert.series == ESTIMATED:
            note = self._of_estimate(model, data, column, part=alert.segment is not None)
            return alert.model_copy(update={"message": clip_message(alert.message + note)})
        last = self.performance.tracks[model.id].seen - labels_after(model, data, column)
        most = alert.after.n if alert.after else 0
        figures = self.performance.figures(model.id, last, most)
        parts = self.performance.explain(model.id, last, most)
        note = performance_note(figures) + explanation_note(parts)
        return alert.model_copy(
            update={"message": clip_message(alert.message + note), "contributors": parts or None}
        )

    def _of_estimate(self, model: Model, data: Matrix, column: int, *, part: bool) -> str:
        """Say that an error is an estimate, and how far estimates were off."""
        track = self.performance.tracks[model.id]
        last = track.seen - labels_after(model, data, column)
        figures = self.performance.figures(model.id, last)
        measured = 1.0 - figures["accuracy"] if "accuracy" in figures else figures.get("mae")
        deviations = self.performance.deviations[int(data.places[column])]
        numbers = track.task == "regression"
        return estimate_note(measured, COMPARED, deviations, numbers=numbers, part=part)

    def _alerts(self, model: str, at: EventPosition, event: Any) -> PerformanceAlerts:
        origin = self._incidents.origin(
            at.place, at.record.offset, seconds(event.ts, at.record), event.model_version
        )
        return PerformanceAlerts(model, self._catalogue.config.model(model), origin, self.now)

    def _forgotten(self, key: str, at: EventPosition, event: Any) -> None:
        model, version = model_of(key), version_of(key)
        alerts = self._alerts(model, at, event)
        for of, series in [names for names in self._incidents.open if names[0] == key]:
            incident = self._incidents.open.pop((of, series))
            alert = alerts.forgotten(series, incident.detector, incident.id, version)
            self._emit(PendingAlert(at.place, series, alert, of))
        floor = self.performance.tracks[key].floor
        if floor.open:
            self._emit(standalone(at.place, alerts.forgotten(FLOOR, "floor", floor.open, version)))

    def _mistaken(self, key: str, at: EventPosition, event: Any, task: str) -> None:
        alerts = self._alerts(model_of(key), at, event)
        self._emit(standalone(at.place, alerts.mistaken(task)))

    def _begun(self, key: str, at: EventPosition, event: Any, scored: ScoredPrediction) -> None:
        """Report detectors that cannot read a regression's losses."""
        if scored.task != "regression":
            return
        config = self._catalogue.models[key].config
        alerts = self._alerts(model_of(key), at, event)
        for series in scored.series:
            if blind := config.blind(series):
                self._emit(standalone(at.place, alerts.blind(series, blind)))

    def _floor(self, key: str, at: EventPosition, event: Any, verdict: Verdict) -> None:
        config = self._catalogue.models[key].config
        track = self.performance.tracks[key]
        if not config.detectors(FLOOR):
            return
        alerts = self._alerts(model_of(key), at, event)
        alert = alerts.floor(
            track.floor, track.measure, "firing" if verdict == "worse" else "resolved"
        )
        track.floor.open = alert.incident_id if verdict == "worse" else ""
        self._emit(standalone(at.place, alert))

    def _release(self, compared: VersionComparison, at: EventPosition, event: Any) -> None:
        if self._catalogue.config.model(event.model_id).detectors(RELEASE):
            alerts = self._alerts(event.model_id, at, event)
            self._emit(standalone(at.place, alerts.release(compared)))

    def _bias(
        self, by: str, bias: LabelBiasTest, at: EventPosition, event: Any, verdict: BiasVerdict
    ) -> None:
        if not self._catalogue.config.model(event.model_id).detectors(COVERAGE):
            return
        alert = self._alerts(event.model_id, at, event).bias(by, bias, verdict)
        bias.open = alert.incident_id if verdict == "biased" else ""
        self._emit(standalone(at.place, alert))


def labels_after(model: Model, data: Matrix, column: int) -> int:
    """Count a version's labels behind a column; the other columns are estimates."""
    stop = int(data.runs[np.searchsorted(data.runs[:, 1], column, side="right") - 1, 2])
    row = model.layout.class_rows[ERROR]
    values = data.values
    if isinstance(values, PresentValues):
        events = values.events[values.starts[row] : values.starts[row + 1]]
        return int(np.count_nonzero((events > column) & (events < stop)))
    return int(np.count_nonzero(~np.isnan(values[row, column + 1 : stop])))
