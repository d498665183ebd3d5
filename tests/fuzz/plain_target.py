"""Fuzzing of what reads plain events side by side: it must say what the decoder says."""

from unittest.mock import patch

import msgspec
from record_logs import noise, record, run, shard, state

from streamproc.decode import decoder
from streamproc.decode.event_schema import Topic
from streamproc.schemas.records import SliceResult

_MAX_VALUES = 6  # values of one input
_EVENT = b'{"model_id":"m","prediction":%d,"features":{"a":%d,"b":0.5,"n":null}}'


def plain(data: bytes) -> None:
    """Read values, between null characters, among plain events, side by side and one by one."""
    kind = Topic.FEATURES if data[:1] == b"F" else Topic.PREDICTIONS
    values = [_EVENT % (1, 1)]  # the layout that all are hinted at
    for each, value in enumerate(data[1:].split(b"\0")[:_MAX_VALUES]):
        values += [value, _EVENT % (1, each)]
    log = [record(offset, value, key=b"m") for offset, value in enumerate(values)]
    together, alone = shard(kind=kind), shard(kind=kind)
    for target in (together, alone):
        run(target, log[:1])
    for layout in alone.catalogue.layouts.values():
        layout.plain = None
    with patch.object(decoder, "_FEW", 1):  # as if there were many plain events for each value
        assert _told(run(together, log[1:])) == _told(run(alone, log[1:]))
    assert state(together) == state(alone)


def _told(outcome: SliceResult) -> object:
    return outcome.events, outcome.dead_letters, outcome.alerts


def plain_seeds() -> list[bytes]:
    """Return events with every kind of value that is plain, and some that are not quite."""
    events = [msgspec.json.encode(event) for event in noise(4, seed=1)]
    full = b'{"model_id": "m", "event_id": "7", "ts": "2026-01-05T10:00:00.25Z",'
    full += b' "prediction": -1.25e-3, "model_version": "2", "tags": {"a": "b", "c": ""},'
    full += b' "features": {"b": 12345678901234567.5, "a": true, "n": null}}'
    zoned = full.replace(b"25Z", b"25-05:30")
    odd = b'{"model_id":"m","ts":1767607200250,"prediction":false,"features":{"a":1,"a":2}}'
    return [
        b"P" + b"\0".join(events),
        b"P" + b"\0".join([full, odd, zoned, _EVENT % (0, 3)]),
        b"F" + b"\0".join([full, odd, b" " + _EVENT % (-1, 9) + b"\n"]),
    ]
