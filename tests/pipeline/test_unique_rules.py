"""Rules `unique`: a value differs from the last ones of its model."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.test_rules import back, config_of, log_of, violated
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import SnapshotError, decode, encode

RULES = (
    {"name": "receipt", "on": "feature:receipt", "unique": {"within": 50}},
    {"name": "text", "on": "feature:text", "unique": {"within": 20}, "most": 0.1},
    {"name": "score", "on": "prediction", "unique": {"within": 5}, "most": 0.1},
)
CONFIG = config_of(*RULES, policy={"resolve_after": 40, "update_interval": "30s"})


def log_of_models(count: int = 700) -> list[Any]:
    """Return a log of three models that often repeat values in between."""
    draw = random.Random(11)
    records = []
    for at in range(count):
        repeated = draw.random() < (0.9 if 120 <= at < 300 else 0.01)
        event = {
            "model_id": draw.choice("abc"),
            "ts": 1e9 + at,
            "features": {
                "receipt": at - draw.randrange(9) if repeated else at,
                "text": f"{at // 9 if repeated else at}" if draw.random() < 0.9 else None,
            },
            "prediction": draw.randrange(3) if repeated else draw.random(),
        }
        records.append(record(at, event))
    return records


LOG = log_of_models()


@pytest.fixture(scope="module")
def expected() -> tuple[list[Any], dict[str, Any]]:
    """Return the alerts and the state after the log in one slice."""
    target = shard(CONFIG)
    return run(target, LOG).alerts, state(target)


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ({}, [1, 2, None, 1, 3, 2.0, -0.0, 0], [3, 5, 7]),
        ({"within": 2}, [1, 2, 1, 3, 2, 2, None, 5, None, 2, 1], [2, 5, 9]),
        ({}, ["a", "b", None, "a", "", ""], [3, 5]),
        ({}, [True, False, True], [2]),
    ],
)
def test_a_value_that_came_before_is_reported(
    rule: dict[str, Any], values: list[Any], expected: list[int]
) -> None:
    """It counts if it is one of the last values; events without one are not counted."""
    assert violated({"unique": rule}, *values) == expected


def test_the_alert_shows_the_value() -> None:
    """A text is shown as it came, with what the rule asks for."""
    rule = {"name": "r", "on": "feature:x", "unique": {}}
    [alert] = run(shard(config_of(rule), Topic.FEATURES), log_of({"x": "a"}, {"x": "a"})).alerts

    assert alert.message.endswith(
        "expected feature:x to differ from the last 100000, found 'a' at offset 1"
    )


@settings(max_examples=20)
@given(cut=st.integers(0, len(LOG)), cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=20))
def test_any_split_and_snapshot_gives_the_same(
    expected: tuple[list[Any], dict[str, Any]], cut: int, cuts: set[int]
) -> None:
    """Alerts and state depend neither on slices nor on where a snapshot is restored."""
    target = shard(CONFIG)
    before = run(target, LOG[:cut], {each for each in cuts if each < cut}).alerts
    restored = back(target, CONFIG)

    assert state(restored)["rules"] == state(target)["rules"]
    assert before + run(restored, LOG[cut:]).alerts == expected[0]
    assert state(restored) == expected[1]


def test_each_rule_is_violated_in_the_log(expected: tuple[list[Any], dict[str, Any]]) -> None:
    """The log that is split above has incidents of all three rules that end."""
    found = {(alert.series, alert.status) for alert in expected[0]}

    assert found >= {
        (f"rule:{rule['name']}", status) for rule in RULES for status in ("firing", "resolved")
    }


@pytest.mark.parametrize("name", ["recent", "values", "ages"])
def test_a_damaged_snapshot_is_refused(name: str) -> None:
    """Values without their ages, or of a rule that is not there, are an error, not a guess."""
    target = shard(CONFIG)
    run(target, LOG[:50])
    snapshot = decode(encode(target, "predictions", 0, 0))
    array = snapshot.arrays[f"rules: {name}"]
    snapshot.arrays[f"rules: {name}"] = array[:-1]

    with pytest.raises(SnapshotError, match="rules: recent"):
        restore(snapshot, Topic.PREDICTIONS, "predictions", 0, shard(CONFIG).catalogue.config)
