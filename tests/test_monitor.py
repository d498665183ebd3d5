import functools
import itertools
import operator
import warnings
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from outcome_logs import labelled

from streamproc import Monitor
from streamproc.errors import ConfigError, StreamprocError
from streamproc.monitor import (
    LogRecord,
    UndatedWarning,
    UnknownTopicError,
    UnreadableWarning,
)
from streamproc.schemas.events import FeatureEvent, PredictionEvent
from streamproc.schemas.records import Reason

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def shifted(count: int = 1500, at: int = 1000) -> list[dict[str, Any]]:
    """Draw events of two models; the amount of one of them rises."""
    draw = np.random.default_rng(2)
    return [
        {
            "model_id": model,
            "ts": 1.7e9 + index,
            "prediction": draw.random(),
            "features": {
                "amount": draw.normal(100.0 if index < at or model == "calm" else 160.0, 9)
            },
        }
        for index in range(count)
        for model in ("calm", "fraud")
    ]


def test_events_give_alerts_without_kafka_and_without_config() -> None:
    """A list of dicts is all that it takes to hear of a change."""
    [alert] = Monitor().process(shifted())

    assert (alert.model_id, alert.series, alert.status) == ("fraud", "feature:amount", "firing")


def drifting() -> list[dict[str, Any]]:
    """Draw events whose amount shifts twice, by a little and by much, and whose rarity ends."""
    draw = np.random.default_rng(41)
    amount = draw.normal(size=4000)
    amount[1500:] += 0.4
    amount[3000:] -= 2.0
    rare = draw.random(4000) < np.where(np.arange(4000) < 2000, 0.01, 0.08)
    return [
        {
            "model_id": "m",
            "ts": 1.7e9 + index,
            "features": {"amount": float(amount[index]), "rare": float(rare[index])},
        }
        for index in range(4000)
    ]


def test_adwin_and_page_hinkley_are_one_word_away() -> None:
    """Named in a config they give the first alerts, ids too, that they gave as the default."""
    watch = [{"on": "*", "detectors": ["adwin", "page_hinkley"]}]
    alerts = Monitor({"models": [{"id": "*", "watch": watch}]}).process(drifting())

    assert [
        (alert.detector, alert.source.offset, alert.alert_id)
        for alert in alerts
        if alert.status == "firing" and alert.source is not None
    ] == [
        ("page_hinkley", 1633, "771144e23561c23dabbdc4a0712e70a8"),
        ("adwin", 2263, "b9c53b83850725ecc89c754811e9b4c9"),
        ("adwin", 3025, "c6b9c8c5e5595213970361964300784c"),  # knows the warm-up after an alarm
    ]


def test_calls_go_on_where_the_last_one_ended() -> None:
    """Feeding a log in several calls gives the alerts of one call."""
    events = shifted()
    unsplit = Monitor(clock=lambda: NOW).process(events)
    monitor = Monitor(clock=lambda: NOW)

    parts = [monitor.process(events[:700]), monitor.process(events[700:701])]
    parts.append(monitor.process(iter(events[701:])))

    assert functools.reduce(operator.iadd, parts, []) == unsplit
    assert monitor.events == len(events)


def test_contract_models_are_events_too() -> None:
    """Contract models give the alerts that the dicts that they were made of give."""
    events = shifted()
    models = [PredictionEvent.model_validate(event) for event in events]

    assert Monitor(clock=lambda: NOW).process(models) == Monitor(clock=lambda: NOW).process(events)


def test_coordinates_are_kept() -> None:
    """An event that says where it lies gives an alert that says so, with that place's id."""
    plain = Monitor().process(shifted())[0]
    placed = [
        event | {"source": {"topic": "predictions", "partition": 3, "offset": 5000 + 2 * index}}
        for index, event in enumerate(shifted())
    ]
    alert = Monitor().process(placed)[0]

    assert alert.source.partition == 3
    assert alert.source.offset == 5000 + 2 * plain.source.offset
    assert alert.alert_id != plain.alert_id


def test_the_records_time_counts_where_the_event_has_none() -> None:
    """Without `ts` an event is when its record is, as on the topic."""
    source = {"topic": "predictions", "partition": 0}
    events = [
        {name: value for name, value in event.items() if name != "ts"}
        | {"source": source | {"offset": index, "timestamp": 1_700_000_000_000 + 1000 * index}}
        for index, event in enumerate(shifted())
    ]
    [alert] = Monitor().process(events)

    assert alert.ts.timestamp() == 1_700_000_000 + alert.source.offset


def test_events_of_one_record_keep_their_place_in_it() -> None:
    """Two events with the same offset are a record of two, as on the topic."""
    events = [
        event | {"source": {"topic": "predictions", "partition": 0, "offset": index // 2}}
        for index, event in enumerate(shifted())
    ]
    [alert] = Monitor().process(events)

    assert alert.source.offset == Monitor().process(shifted())[0].source.offset // 2


def test_each_kind_of_event_is_counted_by_itself() -> None:
    """Without coordinates, predictions and features are numbered from 0, each on their own."""
    features = [
        {"model_id": "f", "features": e["features"]} for e in shifted() if e["model_id"] == "fraud"
    ]
    mixed = [event for pair in zip(features, shifted(), strict=False) for event in pair]

    [alert] = [alert for alert in Monitor().process(mixed) if alert.model_id == "f"]

    assert alert.source.topic == "features"
    assert 1000 <= alert.source.offset < 1050


def test_bad_events_are_dead_letters() -> None:
    """An event that is none costs nothing but itself, and says why."""
    monitor = Monitor()
    alerts = monitor.process([{"model_id": 5, "features": {"a": 1}}, {"features": {}}])

    assert alerts == []
    assert [x.reason for x in monitor.dead_letters] == [Reason.WRONG_TYPE, Reason.MISSING_FIELD]


def test_values_that_json_has_not_are_dead_letters() -> None:
    """An object in a feature is refused by name, and its neighbours are watched."""
    monitor = Monitor()
    monitor.process(
        [{"model_id": "m", "features": {"a": object()}}, {"model_id": "m", "features": {"a": 1}}]
    )

    assert monitor.events == 1
    assert "object" in monitor.dead_letters[0].detail


def test_numpy_values_and_nan_are_taken() -> None:
    """Scalars and arrays of numpy are numbers and lists; NaN is a missing value."""
    features = {"a": np.float32(1), "b": np.int64(2), "c": np.array([1.0, 2.0]), "d": float("nan")}
    monitor = Monitor()
    monitor.process([{"model_id": "m", "features": features}] * 2)

    assert monitor.events == 2
    assert monitor.dead_letters == []


def test_a_label_of_nothing_is_nothing() -> None:
    """A label whose event is not known is not watched, and is not a dead letter either."""
    monitor = Monitor()

    assert monitor.process([{"model_id": "m", "event_id": "1", "label": 1}]) == []
    assert (monitor.events, monitor.dead_letters) == (0, [])


def test_a_source_on_another_topic_is_an_error() -> None:
    """Coordinates of a topic that is not read name the topics that are."""
    event = FeatureEvent.model_validate(
        {"model_id": "m", "features": {}, "source": {"topic": "x", "partition": 0, "offset": 0}}
    )
    with pytest.raises(StreamprocError, match=r"'x'.*predictions.*features"):
        Monitor().process([event])


def test_a_wrong_config_is_refused() -> None:
    """A typo in the config is an error that names it."""
    with pytest.raises(ConfigError, match="resolve_after"):
        Monitor({"policy": {"resolve_afer": 10}})


def test_labels_tell_of_a_concept_that_changed() -> None:
    """Labels that are given with the events they are about are joined, and their errors watched."""
    outcomes = labelled(2400, seed=1, drift_at=2000)
    names = ("model_id", "event_id", "ts", "model_version")
    events = [
        {name: outcome[name] for name in (*names, "prediction", "features")} for outcome in outcomes
    ]
    labels = [
        {"model_id": "fraud", "event_id": outcome["event_id"], "label": outcome["label"]}
        | {"ts": outcome["label_ts"]}
        for outcome in outcomes
    ]
    monitor = Monitor(clock=lambda: NOW)
    alerts = monitor.process([*events[:500], *interleaved(events[500:], labels)])

    assert {alert.kind for alert in alerts} == {"concept", "performance"}
    assert {alert.source.topic for alert in alerts} == {"outcomes"}

    placed = [
        outcome.model_dump() | {"source": {"topic": "outcomes", "partition": 0, "offset": offset}}
        for offset, outcome in enumerate(monitor.outcomes)
    ]
    assert Monitor(clock=lambda: NOW).process(placed) == alerts


def interleaved(one: list[Any], other: list[Any]) -> list[Any]:
    """Take events of both lists in turn."""
    pairs = itertools.zip_longest(one, other)
    return [event for pair in pairs for event in pair if event is not None]


@pytest.mark.parametrize(("factor", "std"), [(2.0, 2.0), (0.5, 0.5)])
def test_values_that_spread_otherwise_are_told_as_such_and_since_when(
    factor: float, std: float
) -> None:
    """Nobody reads of a mean that rose, one value ago, where a sensor became noisy."""
    draw = np.random.default_rng(11)
    values = draw.normal(size=2_400)
    values[2_000:] *= factor
    events = [
        {"model_id": "m", "ts": 60.0 * index, "prediction": 0.5, "features": {"x": value}}
        for index, value in enumerate(values.tolist())
    ]
    [alert] = [found for found in Monitor().process(events) if found.status == "firing"]
    assert "changed its spread from ±" in alert.message
    assert alert.change_point is not None
    assert abs(alert.change_point.offset - 2_000) <= 30
    assert alert.before.std == pytest.approx(1.0, rel=0.1)
    assert alert.after.std == pytest.approx(std, rel=0.2)


def test_a_call_that_loses_most_of_its_events_warns() -> None:
    """The warning says how many and why; a few lost events are only in `dead_letters`."""
    lost = [{"model_id": 5, "prediction": 1.0}] * 6
    good = [{"model_id": "m", "prediction": 1.0}] * 4
    with pytest.warns(UnreadableWarning, match=r"6 of 10 events .* wrong_type: .*model_id"):
        Monitor().process(lost + good)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Monitor().process(lost[:2] + good)


def test_raw_labels_are_refused_with_what_to_do_instead() -> None:
    """Their topic is known, but labels are joined before they are watched."""
    with pytest.raises(UnknownTopicError, match="give labels to `process`"):
        Monitor().process_records("labels", 0, [LogRecord(0, b"{}")])


@pytest.mark.parametrize("ts", [None, float("nan"), -5])
def test_a_time_that_is_missing_is_a_warning(ts: float | None) -> None:
    """Such events count as of 1970: daily profiles and windows of time would be wrong."""
    events: list[Any] = [
        {"model_id": "m", "ts": ts, "features": {"x": 1.0}},
        {"model_id": "m", "ts": 1.7e9, "features": {"x": 1.0}},
        {"model_id": "m", "features": {"x": 1.0}},
    ]
    with pytest.warns(UndatedWarning, match="`ts` of 1 of 3 events is null, NaN or negative"):
        Monitor().process(events)


def test_events_without_times_are_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    """Whoever leaves `ts` out watches values in their order."""
    Monitor().process([{"model_id": "m", "features": {"x": 1.0}}])
    assert not recwarn
