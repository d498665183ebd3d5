"""Series that have too few values to be watched, and features that are new."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.restore import restore
from streamproc.pipeline.series_status import series_statuses
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

FOUND = {"warm_up", "new_feature"}


def log_of(count: int, **shares: tuple[float, int, int]) -> list[LogRecord]:
    """Return the log of a model; of each further feature its share of events, first and last."""
    draw = random.Random(5)
    records = []
    for at in range(count):
        features: dict[str, Any] = {"a": draw.gauss(0, 1)}
        for name, (share, first, last) in shares.items():
            if first <= at < last and draw.random() < share:
                features[name] = draw.gauss(0, 1)
        records.append(record(at, {"model_id": "m", "ts": 1e9 + at, "features": features}))
    return records


def found_in(log: list[LogRecord], config: Any = None) -> list[AlertEvent]:
    """Return the alerts about series without values and about new features."""
    alerts = run(shard(config, Topic.FEATURES), log).alerts
    return [alert for alert in alerts if alert.detector in FOUND]


def test_a_series_without_a_warm_up_is_blind_until_it_has_one() -> None:
    """A feature in a tenth of the events is one alert after 1,500 of them, until it is watched."""
    fired, ended = found_in(log_of(4000, rare=(0.1, 0, 4000)))

    assert (fired.kind, fired.status, fired.severity) == ("blind", "firing", "info")
    assert fired.source.offset == 1499
    assert fired.message.startswith("feature:rare of model 'm' cannot be watched")
    assert (ended.status, ended.reason, ended.source.offset) == ("resolved", "recovered", 1999)
    assert ended.incident_id == fired.incident_id


def test_all_blind_series_of_a_model_are_one_alert() -> None:
    """Several such series are one alert, and one that comes later is an update of it."""
    log = log_of(6000, one=(0.02, 0, 6000), two=(0.02, 0, 6000), three=(0.02, 2500, 6000))
    fired, updated = (alert for alert in found_in(log) if alert.kind == "blind")

    assert "feature:one, feature:two of" in fired.message
    assert updated.status == "updated"
    assert "feature:one, feature:three, feature:two of" in updated.message
    assert updated.incident_id == fired.incident_id


def test_a_longer_warm_up_takes_longer_to_be_blind() -> None:
    """With `warmup: 400` a series is blind after 2,000 events since its first value."""
    config = {
        "models": [{"id": "m", "watch": [{"on": "*", "detectors": ["adwin"], "warmup": 400}]}]
    }
    fired, *_ = found_in(log_of(3000, rare=(0.1, 0, 3000)), config)

    assert fired.source.offset == 2499


def test_the_list_of_series_marks_what_the_alert_names() -> None:
    """`streamproc series` calls a series blind that the alert names."""
    log = log_of(1500, rare=(0.1, 0, 1500))
    target = shard(None, Topic.FEATURES)
    run(target, log[:999])
    before = {each.series: each.state for each in series_statuses(target, "features", 0)}
    run(target, log[999:])
    after = {each.series: each.state for each in series_statuses(target, "features", 0)}

    assert before["feature:rare"] == "learning"
    assert after["feature:rare"] == "blind"


@pytest.mark.parametrize(("share", "at"), [(1.0, 3499), (0.02, 3999)])
def test_a_new_feature_is_reported(share: float, at: int) -> None:
    """A feature that a known model had never had is one alert, if 1 % of the events have it."""
    alerts = found_in(log_of(6000, late=(share, 2500, 6000)))
    (new,) = (alert for alert in alerts if alert.detector == "new_feature")

    assert (new.kind, new.series, new.source.offset) == ("quality", "feature:late", at)
    assert "none of the 25" in new.message


def test_features_of_the_first_events_and_rare_ones_are_not_new() -> None:
    """A model that is just met has no new features, and neither does one in few events."""
    log = log_of(6000, early=(1.0, 500, 6000), odd=(0.003, 2500, 6000))

    assert [alert for alert in found_in(log) if alert.detector == "new_feature"] == []


LOG = log_of(
    5000, rare=(0.15, 0, 5000), gone=(0.05, 0, 1200), late=(0.5, 1900, 5000), few=(0.03, 900, 5000)
)


def in_one_slice() -> tuple[Any, Any]:
    """Return what the log gives in one slice."""
    target = shard(None, Topic.FEATURES)
    return run(target, LOG), state(target)


UNSPLIT = in_one_slice()


def test_the_log_has_alerts() -> None:
    """The log of the tests of splits has blind series and a new feature."""
    found = {(alert.detector, alert.status) for alert in UNSPLIT[0].alerts}

    assert found >= {("warm_up", "firing"), ("warm_up", "updated"), ("new_feature", "firing")}


@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=40))
def test_any_split_gives_the_same_milestones(cuts: set[int]) -> None:
    """However a log is cut into slices, the same series are blind and the same features new."""
    target = shard(None, Topic.FEATURES)

    assert run(target, LOG, cuts) == UNSPLIT[0]
    assert state(target) == UNSPLIT[1]


def test_blind_series_survive_a_restart() -> None:
    """After a restart the open alert is not repeated, and ends with its own id."""
    first = shard(None, Topic.FEATURES)
    alerts = run(first, LOG[:1500]).alerts
    snapshot = decode(encode(first, "features", 0, 1500))
    second = restore(snapshot, Topic.FEATURES, "features", 0, first.catalogue.config).shard

    assert alerts + run(second, LOG[1500:]).alerts == UNSPLIT[0].alerts
    assert second.milestones.open
