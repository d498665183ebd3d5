"""Incidents of values that have more decimals than before."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from record_logs import record, run, shard, state

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

ROWS, AT = 5000, 2000


def rentals() -> NDArray[np.float64]:
    """Draw hourly counts that follow the hour."""
    level = 100 + 30 * np.sin(2 * np.pi * np.arange(ROWS) / 24)
    return np.random.default_rng(1).poisson(level).astype(np.float64)


def records_of(values: NDArray[np.float64]) -> list[Any]:
    """Make a record of each value."""
    return [
        record(
            i,
            {"model_id": "m", "ts": 1.7e9 + 3600 * i, "prediction": 1.0, "features": {"x": value}},
        )
        for i, value in enumerate(values.tolist())
    ]


def alerts_of(values: NDArray[np.float64]) -> list[AlertEvent]:
    """Return the alerts of a log that are not `pending`, with accepting put off."""
    config = {"policy": {"accept_after": "400d"}}
    alerts = run(shard(config), records_of(values)).alerts
    return [alert for alert in alerts if alert.status != "pending"]


def test_an_alert_names_a_value_with_its_decimals() -> None:
    """Counts times 1.05 fire within 24 hours, with a value that was seen then."""
    values = rentals()
    values[AT:] *= 1.05

    alert = alerts_of(values)[0]

    at = alert.source.offset
    assert (alert.status, alert.severity) == ("firing", "warning")
    assert AT <= at < AT + 24
    assert "has more decimals than ever before in" in alert.message
    assert f"such as {values[at]:.10g} (usual level: " in alert.message


def test_an_incident_is_open_until_decimals_are_as_before() -> None:
    """Where the level hardly moved it settles with its decimals, and is back when they are."""
    values = rentals()
    values[AT : AT + 1200] += 0.25

    alerts = alerts_of(values)

    assert [alert.status for alert in alerts] == ["firing", "settled", "resolved"]
    assert "but has more decimals than before" in alerts[1].message
    assert alerts[2].reason == "recovered"
    assert alerts[2].source.offset >= AT + 1200


@pytest.mark.parametrize("cut", [AT + 5, AT + 100, AT + 1100])
def test_a_snapshot_within_such_an_incident_is_continued(cut: int) -> None:
    """Saved and restored anywhere, the remaining alerts and the state are the same."""
    values = rentals()
    values[AT : AT + 1200] += 0.25
    records, config = records_of(values), load(None)
    complete, first = shard(config), shard(config)
    expected = [each for each in run(complete, records).alerts if each.source.offset >= cut]
    run(first, records[:cut])
    data = decode(encode(first, "predictions", 0, cut))
    remaining = restore(data, Topic.PREDICTIONS, "predictions", 0, config).shard
    assert run(remaining, records[cut:]).alerts == expected
    assert state(remaining) == state(complete)
