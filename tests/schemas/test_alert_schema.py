import json
from typing import Any

import pytest
from pydantic import ValidationError

from streamproc.schemas.alerts import AlertEvent, Summary

EXAMPLE: dict[str, Any] = {
    "alert_id": "a1",
    "incident_id": "i1",
    "status": "firing",
    "reason": None,
    "model_id": "fraud",
    "model_version": "7",
    "kind": "data",
    "series": "feature:amount",
    "segment": {"region": "eu"},
    "detector": "adwin",
    "severity": "warning",
    "owner": "risk-oncall",
    "message": "amount rose from 41.2 to 4120 …",
    "ts": "2026-01-05T10:00:00.000000Z",
    "detected_at": "2026-01-05T10:00:00.012000Z",
    "change_point": {"ts": "2026-01-05T09:58:00.000000Z", "offset": 12000},
    "source": {"topic": "predictions", "partition": 0, "offset": 12345},
    "statistic": 0.42,
    "threshold": 0.11,
    "before": {"n": 2000, "mean": 41.2, "std": 18.0},
    "after": {"n": 160, "mean": 4120.0, "std": 1800.0},
    "contributors": [{"series": "feature:amount", "share": 0.8}],
    "runbook": "https://wiki.example.org/fraud",
}
REQUIRED = {
    "alert_id",
    "incident_id",
    "status",
    "model_id",
    "kind",
    "series",
    "detector",
    "message",
    "ts",
    "detected_at",
    "source",
}


def test_the_contracts_example_is_written_as_it_is_read() -> None:
    """Field by field, in the contract's order, compact, in UTF-8."""
    alert = AlertEvent.model_validate(EXAMPLE)
    expected = json.dumps(EXAMPLE, separators=(",", ":"), ensure_ascii=False)
    assert alert.to_json() == expected.encode()


def test_an_alert_survives_the_wire() -> None:
    """What a consumer reads equals what was published, as do its bytes."""
    alert = AlertEvent.model_validate(EXAMPLE)
    read = AlertEvent.from_json(alert.to_json())
    assert read == alert
    assert read.to_json() == alert.to_json()


def test_what_is_not_known_is_null_on_the_wire() -> None:
    """Every field of the contract is there, so that consumers need no defaults."""
    fields = {key: EXAMPLE[key] for key in REQUIRED}
    written = json.loads(AlertEvent.model_validate(fields).to_json())
    assert list(written) == list(EXAMPLE)
    optional = written.keys() - REQUIRED - {"severity"}
    assert {written[key] for key in optional} == {None}
    assert written["severity"] == "warning"


def test_times_of_any_offset_are_written_in_utc() -> None:
    """Consumers see one zone and one width."""
    alert = AlertEvent.model_validate({**EXAMPLE, "ts": "2026-01-05T12:30:00+02:30"})
    assert json.loads(alert.to_json())["ts"] == EXAMPLE["ts"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_write_becomes_null(value: float) -> None:
    """An overflow in a sum does not keep an alert from going out."""
    alert = AlertEvent.model_validate(
        {**EXAMPLE, "statistic": value, "before": Summary(n=2, mean=value, std=value)}
    )
    written = json.loads(alert.to_json())
    assert written["statistic"] is None
    assert written["before"] == {"n": 2, "mean": None, "std": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "on"), ("kind", "drift"), ("severity", "high"), ("model_id", ""), ("ts", None)],
)
def test_only_the_contracts_words_are_taken(field: str, value: object) -> None:
    """Another status, kind or severity is an error."""
    with pytest.raises(ValidationError, match=field):
        AlertEvent.model_validate({**EXAMPLE, field: value})


def test_a_later_minor_version_can_be_read() -> None:
    """Fields that this version does not know are ignored."""
    later = json.dumps({**EXAMPLE, "new": {"a": 1}})
    assert AlertEvent.from_json(later) == AlertEvent.model_validate(EXAMPLE)


def test_alerts_can_be_kept_in_sets_by_their_source() -> None:
    """A record's place is hashable and comparable."""
    alert = AlertEvent.model_validate(EXAMPLE)
    assert {alert.source: 1} == {AlertEvent.model_validate(EXAMPLE).source: 1}
