"""Build alerts about baselines, releases, label bias, and versions that are dropped or reset."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from streamproc.alerting.messages import model_label, number, percent
from streamproc.alerting.origin import Origin, from_epoch, identity, owner_fields
from streamproc.config.model import DetectorSpec, ModelConfig
from streamproc.performance.baseline import MARGIN, BaselineTest
from streamproc.performance.label_bias import SCORE, LabelBiasTest, Verdict
from streamproc.performance.version_comparison import ABSOLUTE, VersionComparison
from streamproc.schemas.alerts import AlertEvent, ChangePoint, Kind, Reason, Status, Summary
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.version_key import version_of

FLOOR: Final = "metric:floor"
COVERAGE: Final = "metric:coverage"
RELEASE: Final = "metric:release"
TAG: Final = "tag:"
# Below this ratio of the two shares of labels, "only" one cohort is labelled, else "mostly".
FEW: Final = 0.1
_PLANS: Final = {
    "majority": "the majority class",
    "last": "the last known label",
    "mean": "the mean of recent labels",
    "rule": "the configured rule",
}


class PerformanceAlerts:
    """Build the alerts that one outcome of a model version causes.

    Parameters
    ----------
    model, config
        Id of the model, and its configuration.
    origin
        Coordinates of the outcome.
    now
        Wall clock, published as `detected_at`.
    """

    def __init__(self, model: str, config: ModelConfig, origin: Origin, now: datetime) -> None:
        self._model, self._config, self._origin, self._now = model, config, origin, now

    def floor(self, floor: BaselineTest, measure: str, status: Status) -> AlertEvent:
        """Return the alert that a model does not beat its baseline, or beats it again."""
        own, plain = (total / floor.compared for total in (floor.own, floor.plain))
        show = percent if measure == "error rate" else number
        verb, than = "beats", f"and that of the heuristic {show(plain)}"
        if status == "firing":  # a smaller gain does not count
            verb = "does not beat"
            than = f"not {percent(MARGIN)} below that of the heuristic, {show(plain)}"
        return self._alert(
            status,
            "performance",
            (FLOOR, "floor"),
            floor.open,
            f"{model_label(self._model, self._origin.model_version)} {verb} {_PLANS[floor.plan]}"
            f"{' again' if status == 'resolved' else ''}: its {measure} over recent labels is"
            f" {show(own)}, {than}",
            before=Summary(n=round(floor.compared), mean=plain),
            after=Summary(n=round(floor.compared), mean=own),
        )

    def release(self, compared: VersionComparison) -> AlertEvent:
        """Return the alert that a new version is worse or better than the one before."""
        own, plain = (total / compared.pairs for total in (compared.own, compared.plain))
        show = number if compared.measure == ABSOLUTE else percent
        new, old = version_of(compared.new), version_of(compared.old)
        earlier = "the one without a version" if old is None else f"version {old}"
        is_bad = compared.verdict == "worse"
        figures = f"its {compared.measure} is {show(own)} over {compared.pairs} labels"
        than = f"that of {earlier} {show(plain)} over as many of the same period"
        if compared.period == "before":
            than = (
                f"that of {earlier} was {show(plain)} over as many before; they did not answer at"
                " the same time, so something else may have changed"
            )
        return self._alert(
            "firing",
            "performance",
            (RELEASE, "release"),
            None,
            f"{'bad release' if is_bad else 'improved'}: {model_label(self._model, new)} is"
            f" {compared.verdict} than {earlier}: {figures}, {than}",
            version=new,
            severity=self._config.severity if is_bad else "info",
            change_point=ChangePoint(ts=from_epoch(compared.start), offset=compared.offset),
            before=Summary(n=compared.pairs, mean=plain),
            after=Summary(n=compared.pairs, mean=own),
        )

    def bias(self, by: str, bias: LabelBiasTest, verdict: Verdict) -> AlertEvent:
        """Return the alert that labels are selected by value, or evenly distributed again."""
        (share, events), (other_share, others) = bias.shares(ordered=by == SCORE)
        what, other = _apart(by, bias.accused)
        figures = f"labels of model {self._model!r} come"
        ending = ""
        if verdict == "biased":
            few, many = sorted((share, other_share))
            seen = "only" if few < many * FEW else "mostly"
            ending = (
                f": errors and learning see {seen} the"
                f" {'former' if share > other_share else 'latter'}"
            )
        else:
            figures += " evenly again:"
        return self._alert(
            "firing" if verdict == "biased" else "resolved",
            "blind",
            (COVERAGE, f"coverage:{by}"),
            bias.open,
            f"{figures} for {percent(share)} of predictions {what} and for {percent(other_share)}"
            f" of {other}{ending}",
            before=Summary(n=round(others), mean=other_share),
            after=Summary(n=round(events), mean=share),
            segment={by.removeprefix(TAG): bias.accused}
            if by.startswith(TAG) and bias.accused
            else None,
        )

    def forgotten(
        self, series: str, detector: str, incident: str, version: str | None
    ) -> AlertEvent:
        """Return the alert that resolves an incident of a version that is no longer watched."""
        alert = self._alert(
            "resolved",
            "concept" if series == "error" else "performance",
            (series, detector),
            incident,
            f"{model_label(self._model, version)} is no longer watched: newer versions have"
            " replaced it",
            version=version,
            reason="superseded",
        )
        found = segment_of(series)
        if found is None:
            return alert
        of_segment = {"series": found.series, "segment": {found.tag: found.value}}
        return alert.model_copy(update=of_segment)

    def mistaken(self, task: str) -> AlertEvent:
        """Return the alert that the inferred task was wrong, so the error series were reset."""
        who = model_label(self._model, self._origin.model_version)
        mistake = (
            "a regression, because of its first outcomes; those since are of a binary classifier"
            if task == "binary"
            else "a binary classifier, because its predictions were between 0 and 1 and its labels"
            f" 0 or 1; outcomes now are of a {task}"
        )
        return self._alert(
            "firing",
            "system",
            ("error", "task"),
            None,
            f"{who} was taken for {mistake}: its error series are reset; set models[].task",
        )

    def blind(self, series: str, blind: Sequence[DetectorSpec]) -> AlertEvent:
        """Return the alert that some detectors cannot read a series."""
        names = " and ".join(spec.name for spec in blind)
        who = model_label(self._model, self._origin.model_version)
        return self._alert(
            "firing",
            "blind",
            (series, blind[0].name),
            None,
            f"{names} cannot watch {series} of {who}: its labels are those of a regression, so its"
            " losses are numbers, not right or wrong; configure one of"
            f" {', '.join(DetectorSpec.of_numbers())}",
        )

    def _alert(
        self,
        status: Status,
        kind: Kind,
        who: tuple[str, str],
        incident: str | None,
        message: str,
        **fields: Any,
    ) -> AlertEvent:
        origin, (series, detector) = self._origin, who
        ended: Reason | None = "recovered" if status == "resolved" else None
        version = fields.pop("version", origin.model_version)
        severity = fields.pop("severity", self._config.severity)
        alert = identity((status, self._model, version or "", series, detector), origin)
        return AlertEvent(
            alert_id=alert,
            incident_id=incident or alert,
            status=status,
            reason=fields.pop("reason", ended),
            model_id=self._model,
            model_version=version,
            kind=kind,
            series=series,
            detector=detector,
            severity=severity,
            **owner_fields(self._config),
            message=message,
            **origin.fields(self._now),
            **fields,
        )


def _apart(by: str, value: str) -> tuple[str, str]:
    """Describe a cohort of the predictions, and all others."""
    if by == SCORE:
        return f"under {value}", "those above"
    if by == "class":
        return (f"of class {value!r}" if value else "of rare classes"), "the others"
    name = by.removeprefix(TAG)
    return (f"with {name} {value!r}" if value else f"with a rare {name}"), "the others"
