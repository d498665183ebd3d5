"""Numbers near the largest float are values like any others."""

import random
from typing import Any

import pytest

from streamproc.alerting.level import Level, since
from streamproc.join.coverage import names_of
from streamproc.monitor import Monitor

HUGE = (1e308, -1e308, 1.7e308, -1e154)


@pytest.mark.parametrize("value", HUGE)
def test_a_huge_sentinel_in_a_feature_is_reported(value: float) -> None:
    """A sentinel such as -1e308 in one of twenty events is an alert, and stops nothing."""
    draw = random.Random(1)
    events = [
        {
            "model_id": "m",
            "ts": 1.7e9 + i,
            "features": {"x": value if i > 2000 and draw.random() < 0.05 else draw.gauss(5, 1)},
        }
        for i in range(4500)
    ]
    alerts = Monitor().process(events)
    assert alerts[0].series == "feature:x"
    assert all(alert.to_json() for alert in alerts)


@pytest.mark.parametrize("value", HUGE)
def test_huge_predictions_and_labels_are_joined(value: float) -> None:
    """A regression that says such a number has errors, and its labels are counted."""
    events: list[dict[str, Any]] = []
    for i in range(1200):
        common = {"model_id": "m", "event_id": str(i), "ts": 1.7e9 + i}
        events += [
            {**common, "features": {}, "prediction": value if i % 20 == 0 else i % 7 / 3},
            {**common, "ts": 1.7e9 + i + 0.5, "label": value if i % 30 == 0 else i % 7 / 3},
        ]
    monitor = Monitor()
    monitor.process(events)
    assert not monitor.dead_letters


def test_levels_and_cohorts_of_huge_numbers() -> None:
    """What is infinite has no deviation, and the last cohort holds all larger numbers."""
    assert since(Level(40, 1e300, 1e200), Level(10, 0.0, 1.0)).std is None
    assert names_of(-1.7e308, None, ()) == (("score", f"{-(2.0**1023):g}"),)
    assert names_of(1.7e308, None, ()) == (("score", f"{2.0**1023:g}"),)
