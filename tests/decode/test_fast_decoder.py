"""Plain events give the same result in a fast scan as when decoded one by one."""

import json
from datetime import UTC, datetime
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode import decoder
from streamproc.decode.decimal_kernel import MAX_POWER, nearest
from streamproc.decode.event_schema import Topic
from streamproc.decode.fast_decoder import FastDecoder
from streamproc.decode.layout import Layout
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.records import SliceResult
from streamproc.tools.bench.workload import Workload
from streamproc.tools.bench.workload import events as workload

NAMES = ("a", "b", "", "ä", "a b", "always null", "new")
integer = st.integers(0, 10**25).map(str) | st.sampled_from(["0", "00", "-0", "1", ""])
decimals = st.tuples(
    st.sampled_from(["", "", "-", "+"]),
    integer,
    st.sampled_from(["", "", "."]),
    st.text("0123456789", max_size=25),
    st.sampled_from(["", "", "e5", "E-7", "e+300", "e-400", "e", "e99999"]),
).map("".join)
finite = st.floats(-1e20, 1e20).map(repr) | st.integers(-(10**18), 10**18).map(str)
values = (
    finite | decimals | st.sampled_from(["null", "true", "false", "nul", '"1"', "[1]", "{}", "NaN"])
)
words = st.text(st.sampled_from('ab"\\é\n\x7f\x00:,{}'), max_size=5).map(json.dumps)
TIMES = ("1767607200.25", "1767607200250", "-5e3")
ZONES = (
    *("+00:00", ".25-05:30", "+23:59", "-00:00", "+24:00", "+01:60", "+0100", "+01", "+1:00"),
    *("+01:0", "+01:000", "++1:00", " +01:00", "+00:00Z", "-", "+05"),
)
instants = st.one_of(
    st.datetimes().map(lambda at: f'"{at.isoformat()}Z"'),
    st.integers(0, 2**32).map(lambda at: f'"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"'),
    st.builds(
        '"20{:02d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}{}"'.format,
        *(st.integers(0, most) for most in (99, 13, 32, 24, 60, 60)),
        st.sampled_from(["Z", ".Z", ".1234567Z", ".5Z", "z", "", "Z ", *ZONES]),
    ),
    st.builds("20{:02d}-02-{:02d}T00:00:00Z".format, st.integers(0, 99), st.integers(28, 29)).map(
        json.dumps
    ),
)
times = st.sampled_from(
    ["1767607200.25", "1767607200250", "null", "-1e300", "1e11", "99999999999.9", "true", '"x"']
)


@st.composite
def bodies(draw: Any) -> bytes:
    """Draw the bytes of an event: a plain one, or one with something about it that is not."""
    odd = draw(st.integers(0, 9)) < 4
    gap = draw(st.sampled_from(["", "", " ", "\n\t\r"]))
    known = st.sampled_from(NAMES if odd else NAMES[:3])
    names = draw(st.lists(known, max_size=4, unique=draw(st.integers(0, 9)) < 7))
    number = draw(st.lists(values if odd else finite, min_size=4, max_size=4))
    pairs = (f"{json.dumps(n)}{gap}:{gap}{v}" for n, v in zip(names, number, strict=False))
    features = f"{{{gap}{f'{gap},{gap}'.join(pairs)}{gap}}}"
    fields = {
        "model_id": ['"m"', '"n"', '"\\u006d"', "7"],
        "prediction": [draw(finite), "true", draw(decimals), "null", '"yes"'],
        "features": [features, features, "null"],
        "event_id": [f'"{draw(st.integers(0, 3))}"', "null", draw(words), "1"],
        "ts": [draw(times if odd else st.sampled_from(TIMES)), draw(instants), "null", '"x"'],
        "model_version": ['"7"', "null", draw(words), "1"],
        "tags": ['{"a":"b", "c" :"d"}', "null", '{"a":"","a":""}', '{"a":1}'],
        "more": ["1", draw(values), '{"a": 1, "a": 1}'],
    }
    optional = st.sampled_from(list(fields)[3 : 8 if odd else 7])
    chosen = draw(st.lists(optional, max_size=3, unique=draw(st.integers(0, 9)) < 8))
    keys = draw(st.permutations(["model_id", "prediction", "features", *chosen]))
    written = [
        f'"{key}"{gap}:{gap}{draw(st.sampled_from(_some(fields[key], odd)))}' for key in keys
    ]
    body = f"{gap}{{{gap}{','.join(written)}{gap}}}{gap}".encode()
    if not odd or draw(st.booleans()):
        return body
    cut = draw(st.integers(0, len(body)))
    return body[:cut] + draw(st.binary(max_size=2)) + body[cut + 1 :]


def _some(choices: list[str], odd: bool) -> list[str]:  # noqa: FBT001
    return choices if odd else choices[:2]


def _learned(kind: Topic, *, plainly: bool, patch: pytest.MonkeyPatch) -> PartitionMonitor:
    if not plainly:
        patch.setattr(Layout, "_place", _never_plain)
    known = dict.fromkeys(NAMES[:5], 1.5) | {"always null": None}
    event = {"features": known, "prediction": 0.5}
    target = shard(kind=kind)
    run(target, [record(-2, {"model_id": "m"} | event), record(-1, {"model_id": "n"} | event)])
    return target


def _never_plain(layout: Layout, model_id: str, row: int | None) -> None:
    layout.plain = None
    if row is None:
        del layout.rows[model_id]
    else:
        layout.rows[model_id] = row


def _alerts(outcome: SliceResult) -> Any:
    return (outcome.events, outcome.repeated, outcome.dead_letters, outcome.alerts)


@given(
    drawn=st.lists(bodies(), min_size=1, max_size=30),
    plain=st.integers(0, 40),
    kind=st.sampled_from([Topic.PREDICTIONS, Topic.FEATURES]),
    cut=st.integers(0, 70),
)
@settings(deadline=None, max_examples=200)
def test_side_by_side_is_as_one_by_one(
    drawn: list[bytes], plain: int, kind: Topic, cut: int
) -> None:
    """Whatever is among plain events, the same is watched, refused and known again."""
    easy = b'{"model_id": "m", "prediction": 1, "event_id": "%d", "features": {"a": %d}}'
    log = [*drawn, *(easy % (index % 30, index) for index in range(plain))]
    log = [log[(7 * index) % len(log)] for index in range(len(log))] if len(log) % 7 else log
    records = [LogRecord(offset, body, 1000 * offset, b"m") for offset, body in enumerate(log)]
    found = []
    for plainly, cuts in ((True, ()), (True, (min(cut, len(log)),)), (False, ())):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoder, "_CHUNK", 16)
            patch.setattr(decoder, "_FEW", 1)  # as if the others were few
            target = _learned(kind, plainly=plainly, patch=patch)
            found.append((_alerts(run(target, records, cuts)), state(target)))

    assert found[0] == found[2]
    assert found[1] == found[2]


@pytest.mark.parametrize("behind", [b"x", b"{}", b",", b"]", b"}", b"\0", b' {"model_id": "m"}'])
def test_what_is_behind_an_event_makes_it_unreadable(behind: bytes) -> None:
    """A plain event with something behind it is a dead letter, and those beside it are watched."""
    event = b'{"model_id": "m", "prediction": 1, "features": {"a": %d}}'
    log = [LogRecord(at, event % at, 1000 * at, b"m") for at in range(40)]
    log[7] = LogRecord(7, event % 7 + behind, 7000, b"m")
    target = shard()
    run(target, [LogRecord(-1, event % 0, 0, b"m")])
    [layout] = target.catalogue.layouts.values()
    assert layout.plain is not None

    outcome = run(target, log)

    assert outcome.events == 39
    assert [letter.offset for letter in outcome.dead_letters] == [7]


def test_events_that_are_never_plain_are_seldom_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that is not known costs the decoder, not a scan in vain before it each time."""
    scans = 0
    read = FastDecoder.read

    def counted(*given: Any) -> Any:
        nonlocal scans
        scans += 1
        return read(*given)

    monkeypatch.setattr(FastDecoder, "read", counted)
    target, odd = shard(), {"model_id": "m", "features": {"a": 1.5}, "prediction": 0.5, "more": 1}
    for slice_ in range(200):
        run(target, [record(slice_ * 40 + at, odd, key=b"m") for at in range(40)])
    assert 0 < scans < 20
    plain = {name: odd[name] for name in ("model_id", "features", "prediction")}
    for slice_ in range(200, 300):
        run(target, [record(slice_ * 40 + at, plain, key=b"m") for at in range(40)])
    assert scans > 60


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-00:00", "+05:30", "-11:45", "+23:59"])
def test_a_time_of_any_zone_is_plain(zone: str) -> None:
    """What Python's `isoformat` writes is read as fast as what ends with Z."""
    target = shard()
    body = {"model_id": "m", "ts": f"1970-01-01T10:00:00.25{zone}", "features": {"a": 1.5}}
    log = [record(at, body | {"prediction": 0.5}, key=b"m") for at in range(2)]
    run(target, log[:1])
    [layout] = target.catalogue.layouts.values()
    assert layout.plain is not None

    found = layout.plain.read(layout.rows, log, [1], 1000)

    assert found.ts.tolist() == [datetime.fromisoformat(body["ts"]).timestamp()]


@given(digits=st.integers(0, 2**64 - 1), power=st.integers(-MAX_POWER, MAX_POWER))
@settings(max_examples=2000, deadline=None)
def test_a_number_is_the_nearest_float(digits: int, power: int) -> None:
    """Decimal digits become the float64 that Python makes of them, to the last bit."""
    found = _nearest(np.uint64(digits), np.int64(power))

    assert np.uint64(found).view(np.float64) == float(f"{digits}e{power}")


@numba.njit
def _nearest(digits: np.uint64, power: np.int64) -> np.uint64:
    return nearest(digits, power)


@given(base=st.integers(2**52, 2**53 - 1), shift=st.integers(-8, 9))
@settings(max_examples=500, deadline=None)
def test_a_number_between_two_floats_is_the_even_one(base: int, shift: int) -> None:
    """What lies just between two float64 becomes the one whose last bit is 0."""
    middle = (2 * base + 1) * 10**8 * 2**shift if shift >= 0 else (2 * base + 1) * 10**8 >> -shift
    digits, power = middle, -8
    while digits % 10 == 0 or digits >= 2**64:
        digits, power = digits // 10, power + 1

    found = _nearest(np.uint64(digits), np.int64(power))

    assert np.uint64(found).view(np.float64) == float(f"{digits}e{power}")


def test_events_as_clients_write_them_are_plain() -> None:
    """Compact JSON of numbers needs no decoder, once a model is known."""
    target = shard()
    log = [
        LogRecord(offset, event.value, key=event.key)
        for offset, event in enumerate(workload(Workload(events=600)))
    ]
    run(target, log[:20])
    [layout] = target.catalogue.layouts.values()
    assert layout.plain is not None

    found = layout.plain.read(layout.rows, log, range(20, 600), 1000)

    assert found.positions.tolist() == list(range(20, 600))
    decoded = [json.loads(log[at].value or b"") for at in range(20, 600)]
    assert found.ts.tolist() == [event["ts"] for event in decoded]
    assert found.values.tolist() == [
        [*event["features"].values(), event["prediction"]] for event in decoded
    ]


@pytest.mark.parametrize(
    "text", ["-0", "-0.0", "0e5", "-0e1", "1E5", "-1", "9223372036854775809", "0.1", "1.5e-7"]
)
def test_a_number_has_the_bits_that_the_decoder_gives_it(text: str) -> None:
    """Zeros keep their sign where the decoder keeps it, and lose it where it does."""
    target = shard()
    run(target, [record(0, {"model_id": "m", "features": {"a": 1.5}, "prediction": 0.5})])
    [layout] = target.catalogue.layouts.values()
    assert layout.plain is not None
    body = f'{{"model_id": "m", "features": {{"a": {text}}}, "prediction": {text}}}'.encode()

    found = layout.plain.read(layout.rows, [LogRecord(1, body)], [0], 1000)

    decoded = layout.typed.decode(body)
    wanted = np.array([[decoded.features.f0, decoded.prediction]], np.float64)
    assert found.values.tobytes() == wanted.tobytes()
