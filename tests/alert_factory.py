"""Alerts for tests that read them."""

from typing import Any

from streamproc.schemas.alerts import AlertEvent


def alert(alert_id: str = "a1", **fields: Any) -> AlertEvent:
    """Return an alert; only what a test is about needs to be said."""
    usual = {
        "incident_id": f"incident of {alert_id}",
        "status": "firing",
        "model_id": "fraud",
        "kind": "data",
        "series": "feature:amount",
        "detector": "adwin",
        "message": "amount rose from 41.2 to 4120",
        "ts": "2026-01-05T10:00:00Z",
        "detected_at": "2026-01-05T10:00:01Z",
        "source": {"topic": "predictions", "partition": 0, "offset": 12345},
    }
    return AlertEvent.model_validate({"alert_id": alert_id, **usual, **fields})
