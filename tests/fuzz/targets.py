"""What is fuzzed: for each target, bytes in, and an error out only if a promise is broken."""

import hmac
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from fuzz.http_target import http, http_seeds
from fuzz.plain_target import plain, plain_seeds
from fuzz.truth_targets import (
    labels,
    labels_seeds,
    learners,
    learners_seeds,
    outcome,
    outcome_seeds,
)
from fuzz.wire_target import batches, batches_seeds
from pydantic import SecretStr
from record_logs import NOW, noise, record, run, shard, state

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.control.command import Command, Refusal, sign
from streamproc.control.handlers import CommandHandlers
from streamproc.control.validator import CommandValidator
from streamproc.decode.event_schema import Topic
from streamproc.errors import ConfigError
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import SnapshotError, decode, encode
from streamproc.state.snapshot_format import DIGEST_BYTES, SCHEMA, digest_of
from streamproc.worker.snapshots.records import MANIFEST, SnapshotSet, key_of, records

LIMITS: Final[dict[str, Any]] = {
    "limits": {"record_bytes": 4096, "max_series": 40, "max_features": 12}
}
SECRET: Final = SecretStr("fuzz" * 8)
_FOLDER: Final = TemporaryDirectory(prefix="fuzz-")


@dataclass(frozen=True)
class Target:
    """One thing that reads what strangers write.

    Parameters
    ----------
    check
        Raises if these bytes break a promise.
    seeds
        What is mutated at first: inputs that are read to their end.
    longest
        Bytes of the longest input that is tried.
    interpreted
        Whether compiled loops are fuzzed as Python, so that what is reached in them counts. What
        was found so is tried again, compiled.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    longest: int = 4096
    interpreted: bool = False


def decoder(data: bytes) -> None:
    """Read records, between null characters, from Kafka: events or dead letters, in any split."""
    kind = Topic.FEATURES if data[:1] == b"F" else Topic.PREDICTIONS
    values = data[1:].split(b"\0")[:50]
    some = [_record(offset, value) for offset, value in enumerate(values)]
    whole, single = shard(LIMITS, kind), shard(LIMITS, kind)
    at_once = run(whole, some)
    assert at_once == run(single, some, range(1, len(some)))
    assert state(whole) == state(single)
    dead = {letter.offset for letter in at_once.dead_letters}
    assert at_once.events >= len(some) - len(dead)
    for alert in at_once.alerts:
        alert.to_json()


def _record(offset: int, value: bytes) -> Any:
    lines = value[:1] == b"\1"
    headers = [("content-type", b"application/x-ndjson")] if lines else []
    return record(offset, value[lines:], key=b"k", headers=headers)


def _decoder_seeds() -> list[bytes]:
    events = [msgspec.json.encode(event) for event in noise(4, seed=1)]
    odd = b'{"model_id":"m","ts":"2026-01-05T10:00:00Z","prediction":{"a":0.5,"b":0.5},'
    odd += b'"features":{"t":"x","l":[1,2.5],"n":null,"b":true},"tags":{"a":"b"},"event_id":"1"}'
    return [
        b"P" + b"\0".join(events),
        b"F" + b"\0".join([*events, odd]),
        b"P[" + b",".join([odd, *events]) + b"]\0" + odd,
        b"P\1" + b"\n".join([odd, *events]),
    ]


def config(data: bytes) -> None:
    """Read a configuration file: a config that comes back the same, or an error in lines."""
    path = Path(_FOLDER.name) / "config.yaml"
    path.write_bytes(data)
    loaded = _loaded(path)
    if isinstance(loaded, ConfigError):
        assert loaded.problems
        assert all("\n" not in problem and len(problem) < 4000 for problem in loaded.problems)
    else:
        assert load(loaded.model_dump(mode="json")) == loaded


def _loaded(path: Path) -> Config | ConfigError:
    try:
        return load(path)
    except ConfigError as error:
        return error


def _config_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted((_ROOT / "configs").glob("*.yaml"))]


def snapshot(data: bytes) -> None:
    """Read a snapshot whose checksum holds, whatever it says, and go on from it if it is taken.

    The input is the header, a null character, and the arrays.
    """
    settings = load(LIMITS)
    head, _, body = data.partition(b"\0")
    parts = struct.pack(">4sHI", b"SPST", SCHEMA, len(head)) + head + body
    whole = parts + digest_of([parts], SCHEMA)
    try:
        shot = decode(whole)
        restored = restore(shot, Topic.PREDICTIONS, "predictions", 0, settings)
    except SnapshotError:
        return
    story = noise(60, seed=3, shift_at=9, a=9)
    following = [record(at, _varied(at, event)) for at, event in enumerate(story)]
    # Who may write the topic may write numbers that no detector comes to, and is refused as late
    # as here. What counts is that nothing is read past the end of an array.
    with suppress(ArithmeticError, ValueError):
        run(restored.shard, following)
    encode(restored.shard, "predictions", 0, 1000)


def _varied(at: int, event: dict[str, Any]) -> dict[str, Any]:
    """Give an event a text and an embedding, too."""
    event["features"] |= {"t": f"word{at % 5}", "v": [at % 7 / 7, 0.5, -1.0]}
    return event


def _snapshot_seeds() -> list[bytes]:
    seeds = []
    for events in (1, 40, 900):
        target = shard(LIMITS)
        story = noise(events, seed=2, shift_at=700, a=8.0)
        run(target, [record(at, _varied(at, event)) for at, event in enumerate(story)])
        data = encode(target, "predictions", 0, events)
        (length,) = struct.unpack_from(">I", data, 6)
        seeds.append(data[10 : 10 + length] + b"\0" + data[10 + length : -DIGEST_BYTES])
    return seeds


def topic(data: bytes) -> None:
    """Read the records of the snapshots' topic, key and value by turns between null characters."""
    parts = data.split(b"\0")
    collected = SnapshotSet()
    for name, value in zip(parts[::2], parts[1::2], strict=False):
        key = key_of(name)
        if key is not None:
            collected.add(key, value or None)
    for found in collected.found():
        try:
            collected.assemble(found)
        except SnapshotError:
            continue


def _topic_seeds() -> list[bytes]:
    key = key_of(b'["group","predictions",0,3,"me",0,0]')
    assert key is not None
    written = list(records(key, [b"a snapshot's bytes" * 3, b"its end"], 100))
    manifest = [value for name, value in written if name.part == MANIFEST]
    return [
        b"\0".join(part for name, value in written for part in (name.pack(), value)),
        b"\0".join([key._replace(part=MANIFEST).pack(), *manifest]),
    ]


def control(data: bytes) -> None:
    """Read commands: from strangers none is believed; signed ones are read, or refused."""
    gate = CommandValidator("control", SECRET, CommandHandlers())
    assert isinstance(gate.check(data, NOW), Refusal)
    mac = hmac.digest(
        SECRET.get_secret_value().encode(), b"streamproc control\0control\0" + data, "sha256"
    )
    found = gate.check(mac.hex().encode() + b"\n" + data, NOW)
    assert isinstance(found, Refusal)  # it knows no verb
    assert "\n" not in found.detail
    assert SECRET.get_secret_value() not in found.detail


def _control_seeds() -> list[bytes]:
    command = Command(
        issuer="ci@build",
        sequence=7,
        expires=datetime(2026, 1, 5, 10, tzinfo=UTC) + timedelta(minutes=1),
        verb="rollback",
        payload={"model_id": "fraud", "to": 3},
    )
    return [sign(command, "control", SECRET)[65:]]


_ROOT: Final = Path(__file__).parents[2]
TARGETS: Final = {
    "decoder": Target(decoder, _decoder_seeds),
    "plain": Target(plain, plain_seeds, longest=1024, interpreted=True),
    "labels": Target(labels, labels_seeds),
    "outcomes": Target(outcome, outcome_seeds),
    "config": Target(config, _config_seeds),
    "snapshot": Target(snapshot, _snapshot_seeds, longest=2**16),
    "learners": Target(learners, learners_seeds, longest=2**16),
    "topic": Target(topic, _topic_seeds),
    "control": Target(control, _control_seeds),
    "batches": Target(batches, batches_seeds),
    "http": Target(http, http_seeds),
}
