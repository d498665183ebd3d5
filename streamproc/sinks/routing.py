"""The labels of an alert, by which routes decide who hears of it. Pure."""

from streamproc.config.matchers import SEGMENT, labels_of_series
from streamproc.schemas.alerts import AlertEvent


def labels_of(alert: AlertEvent) -> dict[str, str]:
    """Return the labels of an alert that routes match."""
    labels = labels_of_series(
        model=alert.model_id,
        owner=alert.owner,
        severity=alert.severity,
        kind=alert.kind,
        detector=alert.detector,
        series=alert.series,
    )
    return labels | {f"{SEGMENT}{tag}": value for tag, value in (alert.segment or {}).items()}
