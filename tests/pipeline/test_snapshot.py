import hashlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.test_splits import BRISK, LOG, PATIENT
from record_logs import noise, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.detectors.registry import DEFAULT
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import Restored, restore
from streamproc.pipeline.snapshot import SnapshotError, config_hash, decode, encode
from streamproc.state import snapshot_format

POLICIES = [BRISK, PATIENT]
ONE, BOTH = ["adwin"], ["adwin", "page_hinkley"]
MANY = {
    **BRISK,
    "limits": {"max_series": 9},
    "models": [
        {
            "id": "m",
            "watch": [
                {"on": "feature:a", "detectors": ONE, "whiten": True},
                {"on": "*", "detectors": BOTH},
            ],
        },
        {"id": "*", "watch": [{"on": "*", "detectors": BOTH}]},
    ],
}


def taken(target: PartitionMonitor, following: int = 0) -> bytes:
    """Take a snapshot of a shard of partition 0."""
    return encode(target, "predictions", 0, following)


def back(data: bytes, target: PartitionMonitor) -> Restored:
    """Restore a snapshot under the configuration of a shard."""
    config = target.catalogue.config
    return restore(decode(data), Topic.PREDICTIONS, "predictions", 0, config)


def after(config: dict[str, Any], cut: int) -> PartitionMonitor:
    """Return a shard that has seen the log up to a record."""
    target = shard(config)
    run(target, LOG[:cut])
    return target


@pytest.mark.parametrize("config", [*POLICIES, MANY], ids=["brisk", "patient", "many profiles"])
@settings(max_examples=15)
@given(cut=st.integers(0, len(LOG)))
def test_a_restored_shard_goes_on_as_if_nothing_had_been(config: dict[str, Any], cut: int) -> None:
    """Wherever a snapshot is taken, what follows is the same as without it, to the bit."""
    target = after(config, cut)
    restored = back(taken(target, cut), target)
    assert (restored.next, restored.reset) == (cut, ())
    assert state(restored.shard) == state(target)
    assert run(restored.shard, LOG[cut:]) == run(target, LOG[cut:])
    assert state(restored.shard) == state(target)
    assert vars(restored.shard.catalogue)["series"] == target.catalogue.series
    assert restored.shard.catalogue.refused == target.catalogue.refused
    assert restored.shard.catalogue.limits_reported == target.catalogue.limits_reported


def pack(header: snapshot_format.Header, arrays: snapshot_format.Arrays) -> bytes:
    """Serialise a snapshot whose parts a test has changed."""
    return b"".join(snapshot_format.sections(header, arrays))


def test_snapshots_are_a_function_of_the_state() -> None:
    """A snapshot of what was restored has the same bytes."""
    target = after(PATIENT, 2900)
    data = taken(target, 2900)
    assert taken(back(data, target).shard, 2900) == data


SNAPSHOT = taken(after(PATIENT, 3000), 3000)


@settings(max_examples=60)
@given(size=st.integers(0, len(SNAPSHOT) - 1))
def test_a_truncated_snapshot_is_refused(size: int) -> None:
    """A snapshot without its end is refused wherever it ends."""
    with pytest.raises(SnapshotError):
        decode(SNAPSHOT[:size])


HEADER_END = snapshot_format._PREFIX.size + int.from_bytes(SNAPSHOT[6:10], "big")
REGIONS = {
    "prefix": (0, snapshot_format._PREFIX.size),
    "header": (snapshot_format._PREFIX.size, HEADER_END),
    "arrays": (HEADER_END, len(SNAPSHOT) - snapshot_format.DIGEST_BYTES),
    "checksum": (len(SNAPSHOT) - snapshot_format.DIGEST_BYTES, len(SNAPSHOT)),
}


@pytest.mark.parametrize("region", REGIONS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_flipped_bit_is_refused(region: str, data: st.DataObject) -> None:
    """One bit that is not as it was written is found, in whatever part of the snapshot it is."""
    place = data.draw(st.integers(REGIONS[region][0], REGIONS[region][1] - 1))
    broken = bytearray(SNAPSHOT)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SnapshotError):
        decode(bytes(broken))


@given(data=st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    """Bytes that nobody wrote as a snapshot are refused, and nothing else happens."""
    with pytest.raises(SnapshotError):
        decode(data)


def test_another_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot of a later schema is refused by its number."""
    with monkeypatch.context() as later:
        later.setattr(snapshot_format, "SCHEMA", 5)
        data = taken(after(BRISK, 100))
    with pytest.raises(SnapshotError, match="schema 5 is not supported; this version reads 2 to 4"):
        decode(data)


def written_with(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **other: str) -> bytes:
    """Take a snapshot as other versions would have."""
    ours = snapshot_format.versions()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("streamproc.pipeline.snapshot.versions", lambda: ours | other)
        return taken(after(config, 100))


def test_another_river_resets_what_is_rivers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade of River its detectors are reset; all of ours go on to the bit."""
    watch = [
        {"on": "feature:a", "detectors": ["river:PageHinkley"]},
        {"on": "*", "detectors": BOTH},
    ]
    config = {**BRISK, "models": [{"id": "*", "watch": watch}]}
    target = after(config, 100)
    restored = back(written_with(config, monkeypatch, river="0.26.0"), target)
    assert {name for _, name in restored.reset} == {"feature:a"}
    assert len(restored.reset) < len(back(taken(target), target).shard.catalogue.models) * 4
    ours, theirs = state(target), state(restored.shard)
    unchanged = [name for name in ours if "/" in name and not name.endswith("/feature:a")]
    assert unchanged
    assert {name: ours[name] for name in unchanged} == {name: theirs[name] for name in unchanged}
    assert not back(taken(target), target).reset


@pytest.mark.parametrize("library", ["numpy", "streamproc"])
def test_other_versions_keep_what_they_can_read(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade of anything else keeps all state whose form is the same."""
    target = after(BRISK, 100)
    restored = back(written_with(BRISK, monkeypatch, **{library: "9.0.0"}), target)
    assert restored.reset == ()
    assert state(restored.shard) == state(target)


def test_a_form_of_another_version_resets_its_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another streamproc's detectors hold differently is reset; the same one's is broken."""
    watch = [{"on": "feature:a", "detectors": ONE}, {"on": "*", "detectors": BOTH}]
    config = {**BRISK, "models": [{"id": "*", "watch": watch}]}
    target = after(config, 100)
    for version, refused in (("9.0.0", False), (snapshot_format.versions()["streamproc"], True)):
        header, arrays = snapshot_format.unpack(
            written_with(config, monkeypatch, streamproc=version)
        )
        alone = header.profiles.index(min(header.profiles, key=lambda each: len(each.key)))
        prefix = f"profile {alone}: detector:adwin"
        lost = next(name for name in arrays if name.startswith(prefix))
        odd = {name: array for name, array in arrays.items() if name != lost}
        data = pack(header, odd)
        if refused:
            with pytest.raises(SnapshotError, match="inconsistent snapshot of"):
                back(data, target)
        else:
            assert {series for _, series in back(data, target).reset} == {"feature:a"}


def test_the_schema_before_is_read_and_its_digest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot of the version before, whose digest is a BLAKE2, is gone on from if it fits."""
    target = after(BRISK, 100)
    with monkeypatch.context() as earlier:
        earlier.setattr(snapshot_format, "SCHEMA", 3)
        data = taken(target)
    assert data[-32:] == hashlib.blake2b(data[:-32], digest_size=32).digest()
    assert state(back(data, target).shard) == state(target)
    with pytest.raises(SnapshotError, match="checksum"):
        decode(data[:-1] + bytes([data[-1] ^ 1]))


def test_a_schema_of_long_ago_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot whose arrays lie one behind the other is gone on from."""
    target = after(BRISK, 100)
    header, arrays = snapshot_format.unpack(taken(target))
    events = arrays.pop("events").tolist()
    models = tuple(
        msgspec.structs.replace(model, events=count)
        for model, count in zip(header.models, events, strict=True)
    )
    with monkeypatch.context() as earlier:
        earlier.setattr(snapshot_format, "SCHEMA", 2)
        earlier.setattr(snapshot_format, "_tables", lambda records: [(each,) for each in records])
        data = pack(msgspec.structs.replace(header, models=models), arrays)
    assert state(back(data, target).shard) == state(target)


def test_incidents_of_the_version_before_go_on_as_those_of_one_series() -> None:
    """A snapshot without groups of series is read: what is open goes on, each under its own id."""
    target = after(PATIENT, 2900)
    header, arrays = snapshot_format.unpack(taken(target, 2900))
    del arrays["groups"]
    restored = back(pack(header, arrays), target).shard
    own = {(record.model, record.series): record.id for record in header.incidents}
    assert len(restored.groups) == len(own) > len(target.groups)
    later = run(restored, LOG[2900:]).alerts
    going_on = [alert for alert in later if alert.incident_id in own.values()]
    assert {alert.status for alert in going_on} == {"updated", "settled", "resolved"}
    assert all(own[alert.model_id, alert.series] == alert.incident_id for alert in going_on)
    assert not any(alert.contributors for alert in going_on)


def test_another_partition_is_refused() -> None:
    """A snapshot is for the partition that it was taken of, and no other."""
    config = shard(BRISK).catalogue.config
    with pytest.raises(SnapshotError, match="is of predictions-0, not of predictions-1"):
        restore(decode(SNAPSHOT), Topic.PREDICTIONS, "predictions", 1, config)


def ids_of(target: PartitionMonitor, series: str) -> list[str]:
    """Return the ids of a series' alerts in the rest of the log."""
    alerts = run(target, LOG[3000:]).alerts
    return [alert.alert_id for alert in alerts if (alert.model_id, alert.series) == ("m", series)]


def test_a_changed_detector_resets_its_series_alone() -> None:
    """Series whose detectors are configured as before keep their state; the others are named."""
    changed = {
        **PATIENT,
        "models": [
            {"id": "m", "watch": [
                {"on": "feature:a", "detectors": [{"adwin": {"delta": 1e-4}}, "page_hinkley"]},
                {"on": "feature:b", "detectors": []},
                {"on": "*", "detectors": list(DEFAULT)},
            ]},
        ],
    }  # fmt: skip
    restored = back(SNAPSHOT, shard(changed))
    before, now = state(back(SNAPSHOT, shard(PATIENT)).shard), state(restored.shard)
    assert set(restored.reset) == {("m", "feature:a"), ("m", "feature:b")}
    differing = {name for name in before if before[name] != now.get(name)}
    differing -= {"open", "groups"}
    assert differing == {"m/feature:a", "m/feature:b"}
    assert "m/feature:b" not in now
    assert now["open"] == {
        key: group for key, group in before["open"].items() if key not in restored.reset
    }
    assert len(now["open"]) < len(before["open"])
    of_groups = {
        (model, series)
        for model, groups in restored.shard.groups.open.items()
        for group in groups
        for series in group.open
    }
    assert of_groups == now["open"].keys()
    assert ids_of(restored.shard, "feature:a") == ids_of(shard(changed), "feature:a")
    assert config_hash(restored.shard.catalogue.config) != decode(SNAPSHOT).header.config


def written_group(**fields: Any) -> np.ndarray:
    """Write an incident of an open series as a snapshot holds it."""
    record_fields = {
        "said": "2026-01-05T10:00:00Z",
        "open": ["feature:a"],
        "sizes": {"feature:a": 1.0},
    }
    record = ["m", "an id", 5, *(record_fields | fields).values()]
    return np.frombuffer(msgspec.json.encode([record]), np.uint8)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("slots", np.array([[0, 0, 0, 10_000]])),
        ("slots", np.array([[99, 0, 0, 0]])),
        ("slots", np.zeros((1, 3), np.int64)),
        ("births", np.array([[0, -1, 0]])),
        ("profile 0: open", np.zeros(1, bool)),
        ("profile 0: changes.n", np.zeros(3)),
        ("profile 0: detector:mixture.counts", None),
        ("groups", np.frombuffer(b'[["m"', np.uint8)),
        ("groups", written_group(sizes={"feature:b": 1.0})),
        ("groups", written_group(sizes={"feature:a": 1e300})),
        ("groups", np.concatenate([written_group()[:-1], [44], written_group()[1:]]).astype("u1")),
    ],
)
def test_parts_that_do_not_fit_are_refused(name: str, array: Any) -> None:
    """A snapshot with a right checksum and wrong contents is refused, by name."""
    header, arrays = snapshot_format.unpack(SNAPSHOT)
    odd = {key: value for key, value in arrays.items() if key != name}
    if array is not None:
        odd[name] = array
    data = pack(header, odd)
    with pytest.raises(SnapshotError):
        back(data, shard(PATIENT))


def test_an_incident_without_its_flag_is_refused() -> None:
    """An open incident is known to the detectors' side and to the alerts' side, or to neither."""
    header, arrays = snapshot_format.unpack(SNAPSHOT)
    assert arrays["profile 0: open"].any()
    arrays["profile 0: open"] = np.zeros_like(arrays["profile 0: open"])
    with pytest.raises(SnapshotError, match="inconsistent incident state"):
        back(pack(header, arrays), shard(PATIENT))


@pytest.mark.parametrize("rest", [1, 60])
def test_a_lower_resolve_after_ends_what_is_quiet_already(rest: int) -> None:
    """An incident that has been quiet for longer than a new policy asks is looked at at once."""
    story = [record(at, event) for at, event in enumerate(noise(1000, seed=5, shift_at=600, a=8.0))]
    target = shard(PATIENT)
    alerts = run(target, story[:900]).alerts
    assert [alert.status for alert in alerts] == ["firing"]
    restored = back(taken(target, 900), shard(BRISK)).shard
    [settled] = run(restored, story[900 : 900 + rest]).alerts
    assert (settled.status, settled.source.offset) == ("settled", 900)


def test_incidents_of_the_version_before_are_read() -> None:
    """An incident that a version without levels wrote goes on, and is judged by its means."""
    story = noise(3000, seed=5, shift_at=600, back_at=1200, a=8.0)
    log = [record(at, event) for at, event in enumerate(story)]
    target = shard(PATIENT)
    run(target, log[:900])
    header, arrays = snapshot_format.unpack(taken(target, 900))
    plain = [msgspec.to_builtins(each)[:8] for each in header.incidents]
    earlier = msgspec.convert(plain, tuple[snapshot_format.IncidentRecord, ...])
    [incident] = earlier
    assert (incident.reported, incident.alarmed) == (None, None)
    header = msgspec.structs.replace(header, incidents=earlier)
    restored = back(pack(header, arrays), shard(PATIENT)).shard
    alerts = run(restored, log[900:]).alerts
    assert {alert.incident_id for alert in alerts} == {incident.id}
    assert (alerts[-1].status, alerts[-1].reason) == ("resolved", "recovered")


def test_an_incident_of_no_detector_is_refused() -> None:
    """An incident of a detector that its series does not have is refused."""
    data = taken(after(PATIENT, 2800))
    shot = decode(data)
    first, *others = shot.header.incidents
    odd = msgspec.structs.replace(first, detector="paghe_inkley")
    header = msgspec.structs.replace(shot.header, incidents=(odd, *others))
    with pytest.raises(SnapshotError, match="which does not watch it"):
        back(pack(header, shot.arrays), shard(PATIENT))
