"""Texts of any length in events give alerts that a topic takes."""

import random
from typing import Any

from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import MAX_TEXT

HUGE = 150_000


def events(version: str, name: str) -> list[dict[str, Any]]:
    """Make predictions of two classes that change their probabilities."""
    draw, found = random.Random(7), []
    for number in range(600):
        share = min(max(draw.gauss(0.3 if number < 500 else 0.8, 0.05), 0.0), 1.0)
        found.append(
            {
                "model_id": "m",
                "model_version": version,
                "ts": 1.7e9 + number,
                "prediction": {name: share, "other": 1.0 - share},
            }
        )
    return found


def test_a_huge_version_and_class_are_clipped_in_alerts() -> None:
    """Every alert fits a topic, has its id all the same, and different texts stay different."""
    huge = Monitor({}).process(events("v" * HUGE, "c" * HUGE))
    other = Monitor({}).process(events("v" * HUGE, "c" * HUGE + "d"))

    assert huge
    assert all(len(alert.to_json()) < 100_000 for alert in huge)
    assert all(len(alert.model_version or "") == MAX_TEXT for alert in huge)
    assert {alert.series for alert in huge} != {alert.series for alert in other}
    assert [AlertEvent.from_json(alert.to_json()) for alert in huge] == huge


def test_texts_that_fit_are_left_alone() -> None:
    """Nothing of an alert changes whose texts are short."""
    alerts = Monitor({}).process(events("v" * 100, "c" * 100))

    assert {alert.model_version for alert in alerts} == {"v" * 100}
    assert "prediction:" + "c" * 100 in {alert.series for alert in alerts}
