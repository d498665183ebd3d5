"""The numeric features of a model watched together: `on: features`."""

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import Restored, restore
from streamproc.pipeline.series_status import series_statuses
from streamproc.pipeline.snapshot import SnapshotError, decode, encode
from streamproc.schemas.alerts import AlertEvent
from streamproc.state import snapshot_format

NUMBERS = ["mixture", "page_hinkley"]
DEFAULT = {"on": "*", "detectors": NUMBERS}
POLICY = {"resolve_after": 300}
ALONE: dict[str, Any] = {"models": [{"id": "*", "watch": [DEFAULT]}], "policy": POLICY}
TOGETHER: dict[str, Any] = {
    "models": [{"id": "*", "watch": [DEFAULT, {"on": "features", "detectors": NUMBERS}]}],
    "policy": POLICY,
}
CHANGE = 1600


def correlated(
    draw: random.Random, features: int, correlation: float, missing: float = 0.0
) -> dict[str, float | None]:
    """Draw normal features, the first two of which are correlated."""
    values = [draw.gauss(0, 1) for _ in range(features)]
    values[1] = correlation * values[0] + (1 - correlation**2) ** 0.5 * values[1]
    return {
        f"f{at}": 10 + 3 * value if draw.random() >= missing else None
        for at, value in enumerate(values)
    }


def events_of(
    correlations: Iterable[float], features: int = 4, missing: float = 0.0, seed: int = 5
) -> list[Any]:
    """Make a log of a model with one event for each correlation."""
    draw = random.Random(seed)
    return [
        record(
            at,
            {
                "model_id": "m",
                "ts": 1.7e9 + at,
                "features": correlated(draw, features, correlation, missing),
                "prediction": draw.random(),
            },
        )
        for at, correlation in enumerate(correlations)
    ]


def alerts_of(log: list[Any], config: Any = None) -> list[AlertEvent]:
    """Return the alerts of a log."""
    return run(shard(TOGETHER if config is None else config), log).alerts


def breaking(before: float, after: float) -> list[float]:
    """Return correlations that change."""
    return [before] * CHANGE + [after] * 1000


@pytest.mark.parametrize(
    ("before", "after", "features", "within"),
    [(0.9, -0.9, 4, 60), (0.0, 0.8, 4, 300), (0.0, 0.8, 12, 500)],
)
def test_a_correlation_that_breaks_is_found_and_named(
    before: float, after: float, features: int, within: int
) -> None:
    """What no feature shows alone is one alert, which names the two features that changed."""
    log = events_of(breaking(before, after), features)

    alerts = alerts_of(log)

    assert {alert.series for alert in alerts} == {"features"}
    assert [alert.status for alert in alerts] == ["firing", "settled"]
    firing = alerts[0]
    assert CHANGE <= firing.source.offset < CHANGE + within
    assert firing.kind == "data"
    assert "the joint distribution of the numeric features of model 'm' changed" in firing.message
    assert f"of its {features} features 'f0' and 'f1' changed most" in firing.message
    assert alerts_of(log, ALONE) == []


def test_a_correlation_that_is_back_resolves_the_incident() -> None:
    """The incident is over when the features vary together as before, not once it is quiet."""
    alerts = alerts_of(events_of([*breaking(0.9, -0.9), *[0.9] * 800]))

    assert [alert.status for alert in alerts[:2]] == ["firing", "settled"]
    later = [alert for alert in alerts if alert.source.offset >= CHANGE + 1000]
    assert later[-1].reason == "recovered"
    assert "is back at a distance of" in later[-1].message
    assert not any("changed most" in alert.message for alert in later)
    assert any("is nearer to its reference" in alert.message for alert in later)


def test_a_feature_that_changes_alone_is_not_a_change_of_all() -> None:
    """The mean and the spread of one feature are reported of that feature only."""
    log = events_of([0.0] * 2600)
    for at in range(CHANGE, 2600):
        event = record_of(log[at])
        event["features"]["f2"] = 40 + 3 * event["features"]["f2"]
        log[at] = record(at, event)

    assert {alert.series for alert in alerts_of(log)} == {"feature:f2"}


def record_of(of: Any) -> dict[str, Any]:
    """Return the event of a record."""
    found: dict[str, Any] = snapshot_format.msgspec.json.decode(of.value)
    return found


def test_missing_values_are_no_change() -> None:
    """Independent features that go missing, all of the time or a third, are reported as missing."""
    log = events_of([0.0] * 3000, features=5, missing=0.05)
    for at in range(CHANGE, 3000):
        event = record_of(log[at])
        event["features"]["f4"] = None
        if at % 3:
            event["features"]["f3"] = None
        log[at] = record(at, event)

    assert {alert.series for alert in alerts_of(log)} == {"quality:f3", "quality:f4"}


def test_missing_values_hide_no_change() -> None:
    """A correlation is found where a third of the values are missing."""
    alerts = alerts_of(events_of(breaking(0.9, -0.9), missing=0.3))

    assert [alert.series for alert in alerts if alert.status == "firing"] == ["features"]
    assert alerts[0].source.offset < CHANGE + 120


def eventful() -> list[Any]:
    """Three models whose features are many, few, sparse, late or texts; of one a pair changes."""
    draw = random.Random(9)
    log = []
    for at in range(6000):
        model, features = draw.choice("mno"), correlated(draw, 3, 0.9 if at < 4000 else -0.9, 0.1)
        if model == "n":
            features = {name: value for name, value in features.items() if name == "f0"}
        if model == "o":
            features |= {f"x{draw.randrange(400)}": 1.0 for _ in range(2)}
        event: dict[str, Any] = {"model_id": model, "ts": 1.7e9 + at, "features": features}
        event["prediction"] = draw.random()
        if at > 40:
            event["features"]["later"] = draw.gauss(0, 1)
        if at > 900:
            event["features"]["too late"] = draw.gauss(0, 1)
        if at > 3000 and model == "m":
            event["features"]["f2"] = "text"
        log.append(record(at, event))
    return log


LOG = eventful()


def unsplit() -> tuple[list[AlertEvent], dict[str, Any]]:
    """Return the alerts of the log in one slice, and the state after it."""
    target = shard(TOGETHER)
    return run(target, LOG).alerts, state(target)


ALERTS, END = unsplit()


def test_the_features_are_those_of_the_first_events() -> None:
    """Features that come after the first 50 events of a model are not among them."""
    assert END["m together"][0] == ("f0", "f1", "f2", "later")
    assert END["n together"][0] == ("f0", "later")
    assert len(END["o together"][0]) == 64
    assert {"f0", "later"} < set(END["o together"][0])
    assert {alert.model_id for alert in ALERTS if alert.series == "features"} == {"m", "o"}


@settings(max_examples=10)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=40))
def test_any_split_gives_the_same(cuts: set[int]) -> None:
    """However a log is cut into slices, alerts and state are the same to the bit."""
    target = shard(TOGETHER)

    assert run(target, LOG, cuts).alerts == ALERTS
    assert state(target) == END


def test_slices_of_few_records_give_the_same() -> None:
    """The features that are chosen do not depend on where a slice ends."""
    target = shard(TOGETHER)

    assert run(target, LOG, range(1, len(LOG), 3)).alerts == ALERTS
    assert state(target) == END


def back(data: bytes, config: Any) -> Restored:
    """Restore a snapshot."""
    settings_of = shard(config).catalogue.config
    return restore(decode(data), Topic.PREDICTIONS, "predictions", 0, settings_of)


def after(config: Any, cut: int) -> PartitionMonitor:
    """Return a shard that has seen the log up to a record."""
    target = shard(config)
    run(target, LOG[:cut])
    return target


@pytest.mark.parametrize("cut", [30, 200, 700, 1500, 2900, 4010, 5000])
def test_a_restored_partition_goes_on_as_if_nothing_had_been(cut: int) -> None:
    """Wherever a snapshot is taken, what follows is the same as without it, to the bit."""
    target = after(TOGETHER, cut)
    data = encode(target, "predictions", 0, cut)
    restored = back(data, TOGETHER)

    assert restored.reset == ()
    assert encode(restored.shard, "predictions", 0, cut) == data
    assert run(restored.shard, LOG[cut:]).alerts == run(target, LOG[cut:]).alerts
    assert state(restored.shard) == state(target) == END


def test_a_snapshot_of_before_is_read_and_the_watch_begins() -> None:
    """A snapshot without this series is gone on from: the features are those of then."""
    header, arrays = snapshot_format.unpack(encode(after(ALONE, 1000), "predictions", 0, 1000))
    older = {name: array for name, array in arrays.items() if not name.startswith("joint")}
    data = b"".join(snapshot_format.sections(header, older))

    restored = back(data, TOGETHER)
    alerts = run(restored.shard, LOG[1000:]).alerts

    assert restored.reset == ()
    assert state(restored.shard)["m together"][0] == ("f0", "f1", "f2", "later", "too late")
    assert "features" in {alert.series for alert in alerts}


def test_the_series_ends_with_its_entry() -> None:
    """Without its entry the series and its state are gone, and its incident with them."""
    data = encode(after(TOGETHER, 4500), "predictions", 0, 4500)

    restored = back(data, ALONE)

    assert set(restored.reset) == {(model, "features") for model in "mno"}
    assert not any(series == "features" for _, series in restored.shard.incidents.open)
    assert not any(name.endswith("together") for name in state(restored.shard))


@pytest.mark.parametrize("array", [np.zeros((0, 3), np.int64), np.array([[0, 0, 99], [0, 0, 99]])])
def test_features_of_a_snapshot_that_do_not_fit_are_refused(array: np.ndarray) -> None:
    """A snapshot with a right checksum and no state of the features is refused."""
    header, arrays = snapshot_format.unpack(encode(after(TOGETHER, 1000), "predictions", 0, 1000))
    data = b"".join(snapshot_format.sections(header, arrays | {"joint": array}))

    with pytest.raises(SnapshotError):
        back(data, TOGETHER)


def test_the_series_is_listed_with_its_state() -> None:
    """The series is learning for some 900 events, and not blind meanwhile; then it is watched."""
    states = []
    for cut in (300, 2400, 3500):
        found = series_statuses(after(TOGETHER, cut), "predictions", 0)
        states += [
            each.state for each in found if (each.model_id, each.series) == ("m", "features")
        ]
    assert states == ["learning", "learning", "watched"]


def test_a_model_that_is_forgotten_frees_its_state() -> None:
    """The state of a model that is evicted is that of the next one."""
    target = after(TOGETHER, 800)
    sizes = {count: bank.size for count, bank in target.catalogue.joint.banks.items()}
    target.catalogue.retire("m")
    renamed = [record_of(each) | {"model_id": "p"} for each in LOG[:800] if each.key == b"m"]
    run(target, [record(800 + at, event) for at, event in enumerate(renamed)])

    assert target.catalogue.models["p"].joint is not None
    assert {count: bank.size for count, bank in target.catalogue.joint.banks.items()} == sizes
