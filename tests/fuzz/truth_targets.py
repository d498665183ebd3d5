"""What is fuzzed of labels, outcomes and online models: bytes in, an error if a promise breaks."""

import hashlib
from typing import Any, Final

import msgspec
import online.outcome_streams as learned
from label_logs import hard_logs, outcomes
from online.model_streams import LINEAR, RIVER
from outcome_logs import labelled
from record_logs import NOW, record, run, shard, state

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.online.partition_models import Learned, PartitionModels
from streamproc.performance.outcome_log import OutcomeLog
from streamproc.schemas.outcomes import COMMAND_HEADER, EPOCH_HEADER
from streamproc.schemas.records import Record
from streamproc.state.snapshot_format import SnapshotError, versions
from streamproc.worker.online.state import DIGEST_BYTES, SCHEMA, Head, PartitionModelsCodec

LIMITS: Final[dict[str, Any]] = {"record_bytes": 4096, "max_series": 40, "max_features": 12}
_LOGS: Final = {b"P": InputLog.PREDICTIONS, b"F": InputLog.FEATURES, b"L": InputLog.LABELS}
_HEADERS: Final = {b"E": EPOCH_HEADER, b"C": COMMAND_HEADER}
_LIFE: Final = {"on_drift": "challenge", "detectors": ["ddm"], "pending": 20, "max_models": 4}
_HOME: Final = "outcomes", 0
_CONFIG: Final = load(
    {
        "models": [
            {"id": "r", "online": {"model": RIVER["binary"], **_LIFE}},
            {"id": "*", "online": {"model": LINEAR["binary"], **_LIFE}},
        ]
    }
)


def labels(data: bytes) -> None:
    """Join records, between null characters, of the three logs: outcomes that their readers read.

    The first character of each says which log it is of.
    """
    settings = load({"limits": LIMITS, "labels": {"horizon": "1h", "max_pending": 10}})
    some: list[tuple[InputLog, Record]] = [
        (_LOGS.get(value[:1], InputLog.LABELS), _record(offset, value[1:]))
        for offset, value in enumerate(data.split(b"\0")[:50])
    ]
    whole, single = (Join(settings, 0, asks=lambda model_id: model_id != "m") for _ in "ab")
    at_once = whole.process(some)
    apart = [single.process([one]) for one in some]
    assert outcomes([at_once]) == outcomes(apart)
    assert at_once.dead_letters == [letter for one in apart for letter in one.dead_letters]
    written = [draft.numbered(1, seq) for seq, draft in enumerate(at_once.drafts)]
    log = OutcomeLog()
    read = log.read([record(seq, value) for seq, value in enumerate(written)])
    assert (len(read), log.unreadable) == (len(written), 0)


def labels_seeds() -> list[bytes]:
    """Give logs of events, features and labels."""
    logs = hard_logs(12, seed=1, horizon=3600.0)
    features = [{"model_id": "f", "event_id": f"e{n}", "features": {"a": n}} for n in range(3)]
    parts = [b"P" + _json(event) for event in logs.events]
    parts += [b"F" + _json(event) for event in features]
    parts += [b"L" + _json(event) for event in logs.labels]
    return [b"\0".join(parts), b"\0".join(parts[::-1]), b"L\1" + b"\n".join([parts[-1][1:]] * 2)]


def outcome(data: bytes) -> None:
    """Read outcomes, marks and commands, between null characters, as detectors and models do."""
    values = data.split(b"\0")[:20]
    some = [_outcome(offset, value) for offset, value in enumerate(values)]
    whole, single = (shard({"limits": LIMITS}, Topic.OUTCOMES) for _ in "ab")
    at_once = run(whole, some)
    assert at_once == run(single, some, range(1, len(some)))
    assert state(whole) == state(single)
    learners, one_by_one = (PartitionModels(_CONFIG, *_HOME) for _ in "ab")
    told = _told([learners.process(some, NOW)])
    assert told == _told([one_by_one.process([each], NOW) for each in some])
    assert learners.state() == one_by_one.state()
    assert learners.unread == one_by_one.unread


def outcome_seeds() -> list[bytes]:
    """Give outcomes to judge and to learn from, with a mark and a command."""
    judged = [_json(each) for each in labelled(12, seed=1)]
    rows: list[learned.Row] = [({"a": 0.5 * n, "t": "x"}, n % 2 == 0) for n in range(8)]
    asked = [bytes(each.value or b"") for each in learned.asked_then_labelled(rows)]
    trees = [value.replace(b'"model_id":"m"', b'"model_id":"r"') for value in asked]
    promote = {"epoch": 2, "seq": 0, "command": {"id": "1", "model_id": "m", "verb": "promote"}}
    commands = [b"E2", b"C" + _json(promote)]
    return [b"\0".join(judged), b"\0".join([*asked, *commands]), b"\0".join([*trees, *judged])]


def learners(data: bytes) -> None:
    """Read the state of online models whose checksum holds: models, or a refusal."""
    codec = PartitionModelsCodec(_CONFIG)
    body = _json(msgspec.to_builtins(Head(SCHEMA, *_HOME, 3, versions()))) + b"\n" + data
    whole = body + hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()
    try:
        decoded = codec.decode(whole, _HOME)
    except SnapshotError:
        return
    assert decoded.next == 3


def learners_seeds() -> list[bytes]:
    """Give states of a compiled model and of one of River's."""
    rows: list[learned.Row] = [({"a": 0.5 * n, "t": "x"}, n % 2 == 0) for n in range(60)]
    seeds = []
    for model in ("m", "r"):
        target = PartitionModels(_CONFIG, *_HOME)
        some = [
            _outcome(offset, bytes(each.value or b"").replace(b'"m"', b'"%b"' % model.encode()))
            for offset, each in enumerate(learned.asked_then_labelled(rows, 3))
        ]
        target.process(some, NOW)
        seeds.append(target.state())
    return seeds


def _record(offset: int, value: bytes) -> Any:
    lines = value[:1] == b"\1"
    headers = [("content-type", b"application/x-ndjson")] if lines else []
    return record(offset, value[lines:], key=b"k", headers=headers)


def _outcome(offset: int, value: bytes) -> Any:
    header = _HEADERS.get(value[:1])
    if header is None:
        return _record(offset, value)
    return record(offset, value[1:], key=b"k", headers=[(header, value[1:])])


def _told(parts: list[Learned]) -> list[list[bytes]]:
    return [
        [each.to_json() for part in parts for each in getattr(part, what)]
        for what in ("answers", "updates", "alerts")
    ]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
