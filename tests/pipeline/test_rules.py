"""Rules that the events of a model have to fulfil, from the configuration to the alerts."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord, Monitor
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.series_status import series_statuses
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

AMOUNT = {"name": "amount", "on": "feature:amount", "range": {"min": 0, "max": 1000}}


def config_of(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a configuration in which only these rules are looked at."""
    silence, watch = {"watch": False}, more.pop("watch", [])
    model = {"id": "*", "watch": watch, "silence": silence, "volume": False, "rules": list(rules)}
    return {"models": [model], **more}


def log_of(*features: dict[str, Any], **fields: Any) -> list[LogRecord]:
    """Return a log of one model, an event of each of these features a second."""
    return [
        record(at, {"model_id": "m", "ts": 1e9 + at, "features": each} | fields)
        for at, each in enumerate(features)
    ]


def violated(rule: dict[str, Any], *values: Any, **more: Any) -> list[int]:
    """Return the offsets of the events that violate a rule on the feature x, one incident each."""
    policy = {"resolve_after": 1}
    given = {"name": "r", "on": "feature:x"} | rule
    if "expression" in rule or "freshness" in rule:
        del given["on"]
    target = shard(config_of(given, policy=policy, **more), Topic.FEATURES)
    log = log_of(*(value if isinstance(value, dict) else {"x": value} for value in values))
    alerts = run(target, log).alerts
    found = [alert for alert in alerts if alert.kind == "rule" and alert.status != "resolved"]
    return [alert.source.offset for alert in found]


def rules_of(alerts: list[AlertEvent]) -> list[AlertEvent]:
    """Return the alerts about rules."""
    return [alert for alert in alerts if alert.kind == "rule"]


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ({"range": {"min": 0, "max": 10}}, [0, 11, 10, -1, None, 5], [1, 3]),
        ({"range": {"min": 0}}, [0, -1, 10**9], [1]),
        ({"set": ["DE", "FR"]}, ["DE", "NO", "FR", "de", None], [1, 3]),
        ({"set": [1, 2.5]}, [1, 2, 2.5, 0], [1, 3]),
        ({"set": [True]}, [True, False, True], [1]),
        ({"regex": "[A-Z]{2}"}, ["DE", "DEU", "FR", "x", None], [1, 3]),
        ({"missing": 0}, [1, None, 2, {}, {"y": 1}, 3], [1, 3]),
        ({"monotone": "increasing"}, [1, 1, 3, 2, None, 2, 5], [3]),
        ({"monotone": "strictly increasing"}, [1, 1, 3, 3], [1, 3]),
        ({"monotone": "decreasing"}, [3, 3, 1, 2, 1], [3]),
        ({"expression": "x < y"}, [{"x": 1, "y": 2}, {"x": 2, "y": 2}, {"x": 5}], [1]),
        ({"expression": "x == 'a' or y in (1, 2)"}, [{"x": "b", "y": 3}, {"x": "a", "y": 3}], [0]),
        (
            {"expression": "x % 2 == 0 and 1 < x * 2 - y <= 9 / y"},
            [{"x": 2, "y": 1}, {"x": 3, "y": 1}],
            [1],
        ),
        ({"expression": "x"}, [True, False], [1]),
    ],
)
def test_each_condition_is_judged_for_each_event(
    rule: dict[str, Any], values: list[Any], expected: list[int]
) -> None:
    """Events that violate a rule are reported; one without the value is not judged."""
    assert violated(rule, *values) == expected


def test_a_division_by_zero_is_infinite() -> None:
    """Where an expression divides by zero, it is infinite, and compared as such."""
    assert violated({"expression": "1 / x < 9"}, 0, 1) == [0]
    assert violated({"expression": "1 / x > 9"}, 0, 1) == [1]


def test_a_rule_reads_tags_and_predictions() -> None:
    """Tags are texts; a prediction is a number, a label, or the probability of a class."""
    rules = (
        {"name": "tag", "expression": "tags.channel in ('web', 'app')"},
        {"name": "number", "on": "prediction", "range": {"max": 1}},
        {"name": "label", "on": "prediction", "set": ["yes", "no"]},
        {"name": "class", "on": "prediction:cat", "range": {"max": 0.9}},
    )
    events = [
        {"model_id": "a", "prediction": 2, "tags": {"channel": "fax"}},
        {"model_id": "b", "prediction": "maybe", "tags": {"channel": "web"}},
        {"model_id": "c", "prediction": {"cat": 0.95, "dog": 0.05}},
        {"model_id": "d", "prediction": 0.5, "tags": {"channel": "app"}},
    ]
    alerts = Monitor(config_of(*rules)).process(events)

    assert [(alert.model_id, alert.series) for alert in rules_of(alerts)] == [
        ("a", "rule:number"),
        ("a", "rule:tag"),
        ("b", "rule:label"),
        ("c", "rule:class"),
    ]


def test_freshness_compares_an_event_with_its_record() -> None:
    """An event whose record is later by more than the limit violates it; no clock is read."""
    rule = {"name": "fresh", "freshness": "1m"}
    log = [
        record(at, {"model_id": "m", "ts": 1000 + at, "features": {"x": 1}}, timestamp=arrived)
        for at, arrived in enumerate([1_060_000, 1_061_001, 0])
    ]
    [alert] = rules_of(run(shard(config_of(rule), Topic.FEATURES), log).alerts)

    assert alert.source.offset == 1
    assert alert.message.endswith("events that arrive within 1m, found 60.001 s at offset 1")


def test_a_violated_rule_is_one_incident_with_counts_and_examples() -> None:
    """The first violation fires, some of the later ones are updates, and then it is resolved."""
    values = [5000.0 if 100 <= at < 2000 else 5.0 for at in range(4000)]
    log = log_of(*({"amount": value} for value in values))
    target = shard(config_of(AMOUNT, policy={"update_interval": "5m"}), Topic.FEATURES)
    alerts = run(target, log).alerts

    assert [alert.status for alert in alerts] == ["firing", *["updated"] * 2, "resolved"]
    assert [alert.source.offset for alert in alerts] == [100, 400, 1000, 2999]
    assert len({alert.incident_id for alert in alerts}) == 1
    fired, updated, *_, resolved = alerts
    assert (fired.severity, fired.series, fired.detector) == ("warning", "rule:amount", "rule")
    assert fired.message == (
        "rule 'amount' of model 'm': an event violates it, the first of 101 that were judged;"
        " expected feature:amount from 0 to 1000, found 5000 at offset 100"
    )
    assert updated.message == (
        "rule 'amount' of model 'm': 301 of 301 events violate it; expected feature:amount from 0"
        " to 1000, found 5000 at offset 101, 5000 at offset 102, 5000 at offset 103"
    )
    assert resolved.reason == "recovered"
    assert "1000 events in a row have not violated it, after 1900 of 2900" in resolved.message


def test_a_share_may_be_exceeded_only_by_chance() -> None:
    """With `most: 0.02` a rate of 2 % is quiet, one of 6 % is reported with its share."""
    rule = AMOUNT | {"most": 0.02}
    draw = random.Random(3)
    shares = [0.02] * 20_000 + [0.06] * 2000
    log = log_of(*({"amount": 5000 if draw.random() < share else 5} for share in shares))
    alerts = run(shard(config_of(rule), Topic.FEATURES), log, range(0, 22_000, 1000)).alerts

    assert [alert.status for alert in alerts][:1] == ["firing"]
    assert 20_000 <= alerts[0].source.offset < 21_500
    assert "% where 2 % may" in alerts[0].message
    assert alerts[0].change_point is not None
    assert abs(alerts[0].change_point.offset - 20_000) < 500


def test_redacted_values_are_not_in_alerts() -> None:
    """Of features and tags that `redact` names no alert shows a value."""
    rules = (
        {"name": "one", "on": "feature:email", "regex": ".+@.+"},
        {"name": "two", "expression": "email != 'secret' and age > 0"},
    )
    log = log_of({"email": "secret", "age": 5})
    config = config_of(*rules, redact=["em*"])
    messages = [alert.message for alert in run(shard(config, Topic.FEATURES), log).alerts]

    assert messages[0].endswith("found (redacted) at offset 0")
    assert "found email (redacted) and age 5 at offset 0" in messages[1]


def test_a_rule_has_its_own_severity() -> None:
    """The alerts of a rule are as urgent as it says, else as the model's."""
    rules = (AMOUNT, AMOUNT | {"name": "worse", "severity": "critical"})
    alerts = run(shard(config_of(*rules), Topic.FEATURES), log_of({"amount": -1})).alerts

    assert [alert.severity for alert in alerts] == ["warning", "critical"]


def test_a_rule_joins_the_incident_of_its_model() -> None:
    """Two rules that one event violates are one incident."""
    rules = (AMOUNT, {"name": "other", "on": "feature:country", "set": ["DE"]})
    log = log_of({"amount": -1, "country": "NO"})
    first, second = run(shard(config_of(*rules), Topic.FEATURES), log).alerts

    assert first.incident_id == second.incident_id
    assert second.message.endswith("; one incident with rule 'amount'")
    assert second.contributors is not None
    assert {each.series for each in second.contributors} == {"rule:amount", "rule:other"}


def test_rules_of_predictions_are_not_judged_on_the_topic_of_features() -> None:
    """An event without a prediction on the topic of features does not violate `missing`."""
    rule = {"name": "there", "on": "prediction", "missing": 0}

    assert not run(shard(config_of(rule), Topic.FEATURES), log_of({"x": 1})).alerts


RULES = (
    AMOUNT | {"most": 0.05},
    {"name": "known", "on": "feature:country", "set": ["DE", "FR"]},
    {"name": "there", "on": "feature:rare", "missing": 0.3},
    {"name": "order", "on": "feature:count", "monotone": "increasing"},
    {"name": "both", "expression": "amount < limit or tags.channel == 'web'", "most": 0.02},
    {"name": "score", "on": "prediction", "range": {"max": 0.5}, "most": 0.2},
    {"name": "fresh", "freshness": "30s"},
)
POLICY = {"resolve_after": 40, "update_interval": "30s"}


def mixed_log(count: int = 600) -> list[LogRecord]:
    """Return a log of three models that violate rules now and then, and grow features."""
    draw = random.Random(11)
    records = []
    for at in range(count):
        bad = 0.6 if 120 <= at < 200 else 0.03
        features: dict[str, Any] = {
            "amount": 5000 if draw.random() < bad else 10,
            "limit": 100,
            "count": at if draw.random() > bad / 4 else 0,
        }
        if at > 60:
            features["country"] = "NO" if draw.random() < bad / 5 else "DE"
        if draw.random() < 0.4:
            features["rare"] = 1
        event = {
            "model_id": draw.choice("abc"),
            "ts": 1e9 + at,
            "features": features,
            "prediction": draw.random(),
        }
        if draw.random() < 0.9:
            event["tags"] = {"channel": draw.choice(["web", "app"])}
        arrived = int(1000 * (1e9 + at + draw.choice([1, 1, 1, 1, 40])))
        records.append(record(at, event, timestamp=arrived))
    return records


LOG = mixed_log()


def config() -> dict[str, Any]:
    """Return a configuration with a rule of each kind."""
    return config_of(*RULES, policy=POLICY, watch=[{"on": "*", "detectors": ["adwin"]}])


@pytest.fixture(scope="module")
def expected() -> tuple[list[AlertEvent], dict[str, Any]]:
    """Return the alerts and the state after the log in one slice."""
    target = shard(config())
    return run(target, LOG).alerts, state(target)


def test_the_log_has_incidents_of_each_rule(
    expected: tuple[list[AlertEvent], dict[str, Any]],
) -> None:
    """The log that is cut into slices below opens, updates and resolves incidents of rules."""
    found = rules_of(expected[0])

    assert {alert.status for alert in found} == {"firing", "updated", "resolved"}
    assert len({alert.series for alert in found}) >= 6


@settings(max_examples=25)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=30))
def test_any_split_gives_the_same_alerts_and_counts(
    expected: tuple[list[AlertEvent], dict[str, Any]], cuts: set[int]
) -> None:
    """Alerts and state do not depend on how the log is cut into slices."""
    target = shard(config())

    assert run(target, LOG, cuts).alerts == expected[0]
    assert state(target) == expected[1]


def test_one_event_at_a_time_gives_the_same(
    expected: tuple[list[AlertEvent], dict[str, Any]],
) -> None:
    """So it is when each record is a slice."""
    target = shard(config())

    assert run(target, LOG, range(1, len(LOG))).alerts == expected[0]
    assert state(target) == expected[1]


def back(target: PartitionMonitor, config: dict[str, Any]) -> PartitionMonitor:
    """Restore a snapshot of a shard under a configuration."""
    data = decode(encode(target, "predictions", 0, 0))
    loaded = shard(config).catalogue.config
    return restore(data, Topic.PREDICTIONS, "predictions", 0, loaded).shard


@settings(max_examples=15)
@given(cut=st.integers(0, len(LOG)))
def test_a_snapshot_carries_counts_and_incidents(
    expected: tuple[list[AlertEvent], dict[str, Any]], cut: int
) -> None:
    """Wherever a snapshot is taken and restored, alerts and state are the same as without it."""
    target = shard(config())
    before = run(target, LOG[:cut]).alerts
    restored = back(target, config())

    assert state(restored)["rules"] == state(target)["rules"]
    assert before + run(restored, LOG[cut:]).alerts == expected[0]
    assert state(restored) == expected[1]


def test_a_changed_rule_starts_again() -> None:
    """After a restart with another limit, what is known of that rule is dropped, of others not."""
    one, other = AMOUNT, AMOUNT | {"name": "other"}
    target = shard(config_of(one, other))
    run(target, log_of({"amount": -1}, {"amount": 5}, prediction=1))
    changed = {**one, "range": {"max": 2000}}
    restored = back(target, config_of(changed, other))

    assert set(restored.rules.open()) == {("m", "rule:other")}
    assert restored.groups.of("m", "rule:amount") is None
    assert restored.groups.of("m", "rule:other") is not None


def test_a_snapshot_without_rules_is_readable() -> None:
    """A snapshot of a configuration without rules, as of older versions, goes on with some."""
    target = shard(config_of())
    run(target, log_of({"amount": 5}, prediction=1))
    data = encode(target, "predictions", 0, 0)
    restored = back(target, config_of(AMOUNT))
    following = record(1, json.loads(LOG[0].value or b"") | {"model_id": "m"})

    assert b"rules: " not in data
    assert not restored.rules.violations
    assert run(restored, [following]).events == 1


@pytest.mark.parametrize("cuts", [(), range(1, 303)], ids=["one slice", "one event a slice"])
def test_a_forgotten_model_ends_its_incidents(cuts: Sequence[int]) -> None:
    """When a model makes room for another, the incidents of its rules are resolved."""
    watch = [{"on": "*", "detectors": ["adwin"]}]
    config = config_of(AMOUNT, watch=watch, limits={"max_series": 2})
    names = ["gone", "gone", *["stays"] * 300, "comes"]
    log = [
        record(at, {"model_id": name, "ts": 1e9 + at, "features": {"amount": -1}})
        for at, name in enumerate(names)
    ]
    alerts = rules_of(run(shard(config, Topic.FEATURES), log, cuts).alerts)
    first, last = (alert for alert in alerts if alert.model_id == "gone")

    assert (last.status, last.reason, last.source.offset) == ("resolved", "superseded", 302)
    assert last.incident_id == first.incident_id


def test_the_list_of_series_has_the_rules() -> None:
    """A rule is listed with the events that it judged; one that judged none is blind at the end."""
    typo = {"name": "typo", "on": "feature:amuont", "range": {"min": 0}}
    fine = {"name": "fine", "on": "feature:amount", "missing": 0.5}
    target = shard(config_of(AMOUNT, fine, typo), Topic.FEATURES)
    run(target, log_of({"amount": -1}, {"amount": 1}))
    found = [
        (each.series, each.state, each.values, each.incident_id is not None)
        for each in series_statuses(target, "features", 0, ended=True)
        if each.series.startswith("rule:")
    ]

    assert found == [
        ("rule:amount", "firing", 2, True),
        ("rule:fine", "watched", 2, False),
        ("rule:typo", "blind", 0, False),
    ]


def test_rules_read_features_that_few_events_have() -> None:
    """Among hundreds of features of which each event has one, any split gives the same alerts."""
    rules = (
        {"name": "range", "on": "feature:x3", "range": {"max": 200}},
        {"name": "order", "on": "feature:x3", "monotone": "decreasing"},
        {"name": "there", "on": "feature:x3", "missing": 0.5},
        {"name": "never", "on": "feature:x900", "range": {"max": 0}},
    )
    log = log_of(*({f"x{at % 50}": at} for at in range(400)))
    config = config_of(*rules)
    alerts = run(shard(config, Topic.FEATURES), log).alerts
    split = run(shard(config, Topic.FEATURES), log, range(1, 400)).alerts

    assert [(each.series, each.source.offset) for each in alerts if each.status == "firing"] == [
        ("rule:there", 50),
        ("rule:order", 53),
        ("rule:range", 203),
    ]
    assert split == alerts
