"""Fuzz what `POST /events` reads: native events and CloudEvents, in all of their forms."""

from collections.abc import Sequence
from typing import Final

import msgspec
from record_logs import noise, record, run, shard

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.intake.mapper import NativeEvent
from streamproc.intake.posted import BATCH, STRUCTURED, Reader, RefusedError
from streamproc.join.entry import InputLog
from streamproc.join.in_memory_join import JoinedLog
from streamproc.schemas.records import DeadLetter

_NOW: Final = 1_767_603_600_000
_CLOUD: Final = {
    "ce-specversion": "1.0",
    "ce-type": "org.kubeflow.serving.inference.request",
    "ce-id": "5f0c",
    "ce-source": "s",
    "ce-inferenceservicename": "churn",
}
_HEADERS: Final[list[dict[str, str]]] = [
    {"content-type": "application/json"},
    {"content-type": "application/x-ndjson"},
    {"content-type": STRUCTURED},
    {"content-type": BATCH},
    {"content-type": "application/json", **_CLOUD},
]
_PRESET: Final = {"from": {"http": True}, "preset": "kserve", "columns": ["age", "income"]}
_MAPPED: Final = {"intake": [_PRESET], "http_intake": {}}
_READERS: Final = [Reader(load({})), Reader(load(_MAPPED))]


def http(data: bytes) -> None:
    """Read a request, whose first byte is its form: what it accepts never is a dead letter."""
    headers = _HEADERS[data[0] % len(_HEADERS)] if data else {}
    for reader in _READERS:
        found = _read(reader, headers, data[1:])
        if isinstance(found, RefusedError):
            assert found.args
            assert all("\n" not in text and len(text) < 4000 for text in found.args)
        else:
            for event in found:
                assert _dead_letters(event) == [], event.body


def _read(
    reader: Reader, headers: dict[str, str], body: bytes
) -> Sequence[NativeEvent] | RefusedError:
    try:
        return reader.read(headers, body, _NOW).events
    except RefusedError as error:
        return error


def _dead_letters(event: NativeEvent) -> list[DeadLetter]:
    some = record(0, event.body, key=event.model_id.encode("utf-8", "replace"))
    if event.to == "labels":
        return JoinedLog(load({}), 0, asks=lambda _: False).process([(InputLog.LABELS, some)])[1]
    kind = Topic.FEATURES if event.to == "features" else Topic.PREDICTIONS
    return run(shard({}, kind), [some]).dead_letters


def http_seeds() -> list[bytes]:
    """Return a request of each form."""
    events = [msgspec.json.encode(event) for event in noise(2, seed=1)]
    label = b'{"model_id":"m","event_id":"1","label":true}'
    cloud = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":%b}' % events[0]
    return [
        b"\0" + events[0],
        b"\0[" + b",".join([*events, label]) + b"]",
        b"\1" + b"\n".join([*events, label]),
        b"\2" + cloud,
        b"\3[" + b",".join([cloud, cloud]) + b"]",
        b"\4" + b'{"instances": [[31, 2500], [47, 3100]]}',
    ]
