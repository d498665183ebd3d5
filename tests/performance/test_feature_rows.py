from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_logs import outcome, records, truth_shard
from planted_errors import CHANGE, planted
from record_logs import run

from streamproc.decode.event_schema import Topic
from streamproc.performance.feature_rows import EARLIER, MAX_FEATURES, RECENT, FeatureRows
from streamproc.performance.losses import score
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import SnapshotError, decode, encode

SCORED = score("regression", 1.0, 3.0)


def varied() -> list[dict[str, Any]]:
    """Draw outcomes with features that come late, are texts, of another type or missing."""
    rows, _ = planted("unit", 3, CHANGE + 200)
    for at, row in enumerate(rows):
        if at % 7 == 3:
            row["features"] = row["features"] | {"late": at} if at > 900 else None
        if at % 11 == 5:
            row["features"] = {"x": "12.5", "shop": 3, "y": [1.0, 2.0], 'odd"': True, "age": "?"}
    return rows


LOG = records(varied())


def performance_state(target: PartitionMonitor) -> dict[str, bytes]:
    """Return the state of a monitor's performance."""
    assert target.truth
    return {name: each.tobytes() for name, each in target.truth.performance.state().items()}


UNSPLIT = truth_shard()
EXPECTED = run(UNSPLIT, LOG)


def test_the_log_is_explained() -> None:
    """The log of these tests has alerts with features, so that they hold something."""
    assert next(each.contributors for each in EXPECTED.alerts if each.kind == "concept")


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=60))
def test_any_split_explains_the_same(cuts: list[int]) -> None:
    """However the log is cut into slices, alerts name the same features, and the state is equal."""
    target = truth_shard()

    assert run(target, LOG, cuts) == EXPECTED
    assert performance_state(target) == performance_state(UNSPLIT)


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(0, len(LOG)))
def test_labels_survive_a_restart(cut: int) -> None:
    """Wherever state is written, what follows is the same as without it, to the bit."""
    target = truth_shard()
    before = run(target, LOG[:cut])
    snapshot = decode(encode(target, "outcomes", 0, 7))
    restored = restore(snapshot, Topic.OUTCOMES, "outcomes", 0, target.catalogue.config).shard

    assert before.alerts + run(restored, LOG[cut:]).alerts == EXPECTED.alerts
    assert performance_state(restored) == performance_state(UNSPLIT)


def test_snapshots_of_earlier_versions_have_no_features() -> None:
    """A snapshot without kept features is read, and features are kept from there on."""
    target = truth_shard()
    run(target, LOG[:300])
    snapshot = decode(encode(target, "outcomes", 0, 7))
    for name in [name for name in snapshot.arrays if name.startswith("outcomes: feature")]:
        del snapshot.arrays[name]
    restored = restore(snapshot, Topic.OUTCOMES, "outcomes", 0, target.catalogue.config).shard

    assert restored.truth
    assert not restored.truth.performance.rows
    run(restored, LOG[300:400])
    assert restored.truth.performance.rows


@pytest.mark.parametrize("name", ["outcomes: feature rows", "outcomes: feature values"])
def test_a_snapshot_with_a_missing_row_is_refused(name: str) -> None:
    """Kept features that are fewer than the snapshot says make it unusable."""
    target = truth_shard()
    run(target, LOG[:300])
    snapshot = decode(encode(target, "outcomes", 0, 7))
    snapshot.arrays[name] = snapshot.arrays[name][1:]

    with pytest.raises(SnapshotError, match="outcomes"):
        restore(snapshot, Topic.OUTCOMES, "outcomes", 0, target.catalogue.config)


def test_a_version_keeps_a_bounded_number_of_labels_and_features() -> None:
    """However long a version runs and however many features it has, what is kept is bounded."""
    rows = FeatureRows()
    wide = msgspec.Raw(msgspec.json.encode({f"f{at}": at for at in range(MAX_FEATURES + 50)}))
    for number in range(1, 4000):
        rows.add(number, wide, SCORED)
        rows.trim()
    numbers, losses, values = rows.sample(3999)

    assert values.shape == (RECENT + EARLIER // 8, MAX_FEATURES)
    assert numbers[0] > 3999 - RECENT - EARLIER
    assert np.all(losses == 2.0)


def test_numbers_of_any_size_stay_numbers() -> None:
    """A number beyond the range of what is kept is cut, and never taken for a text."""
    rows = FeatureRows()
    rows.add(1, msgspec.Raw(b'{"x": 1e300, "y": -1e300, "z": "shop", "w": 8.6e37}'), SCORED)
    _, _, values = rows.sample(1)

    assert np.isfinite(values).all()
    assert values[0, 0] < values[0, 2]


def test_other_versions_have_rows_of_their_own() -> None:
    """A version that is dropped takes its labels along."""
    target = truth_shard()
    log = records(
        outcome(at, 0.5, label=True, model_version=str(at // 20), features={"x": 1.0})
        for at in range(400)
    )
    run(target, log)

    assert target.truth
    performance = target.truth.performance
    assert performance.rows.keys() == performance.tracks.keys()
