"""A season that is set by hand in the configuration: `season`."""

import math
import random
from typing import Any

import pytest
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode

DAY = 1500


def log() -> list[Any]:
    """Make a log of two days and a half of a feature that follows the hours of the day."""
    draw = random.Random(4)
    return [
        record(
            at,
            {
                "model_id": "m",
                "ts": 1.7e9 + 86400 * at / DAY,
                "features": {"x": 2 * math.sin(2 * math.pi * at / DAY) + draw.gauss(0, 1)},
                "prediction": draw.random(),
            },
        )
        for at in range(int(2.5 * DAY))
    ]


LOG = log()


def config(season: Any) -> dict[str, Any]:
    """Return a configuration with the default detectors and a season."""
    entry = {"on": "*", "detectors": ["mixture", "page_hinkley"], "season": season}
    return {"models": [{"id": "*", "watch": [entry]}]}


@pytest.mark.parametrize(("season", "fired"), [("daily", 0), (None, 1), ("off", 1)])
def test_a_season_that_is_set_pages_nobody(season: Any, fired: int) -> None:
    """A feature whose season is known raises no incident as the day turns."""
    alerts = run(shard(config(season)), LOG).alerts

    assert len({alert.series for alert in alerts if alert.status == "firing"}) == fired
    assert any(alert.status == "pending" for alert in alerts) is (season != "off")


def test_a_season_continues_from_a_snapshot_and_another_one_starts_again() -> None:
    """A restart changes nothing; another season in the configuration resets the series."""
    uncut, first = shard(config("daily")), shard(config("daily"))
    expected = run(uncut, LOG).alerts
    before = run(first, LOG[:2000]).alerts
    data = decode(encode(first, "predictions", 0, 2000))
    place = Topic.PREDICTIONS, "predictions", 0

    after = restore(data, *place, uncut.catalogue.config)
    other = restore(data, *place, shard(config("off")).catalogue.config)

    assert after.reset == ()
    assert [*before, *run(after.shard, LOG[2000:]).alerts] == expected
    assert state(after.shard) == state(uncut)
    assert {series for _, series in other.reset} == {"feature:x", "prediction"}
