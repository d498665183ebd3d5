"""Records whose headers or keys are as large as Kafka allows cost little and leave nothing."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from label_logs import BEGIN, join, outcomes
from record_logs import record, run, shard

from streamproc.join.entry import InputLog
from streamproc.schemas.records import DeadLetter, Reason

HEADERS = 1000
KEY_BYTES = 950_000
SLICE = 4  # records: a fetch brings no more of them at once
SLACK = 2**20
EVENT = {"model_id": "m", "prediction": 0.5}
LABEL = {"model_id": "m", "event_id": "1", "label": True}


class Headers(tuple[tuple[str, bytes], ...]):
    """Headers that count how often one of them is looked at."""

    __slots__ = ()
    looks = 0

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for each in super().__iter__():
            Headers.looks += 1
            yield each


@pytest.fixture
def headers() -> Headers:
    """Return a thousand headers, none of which means anything."""
    Headers.looks = 0
    return Headers((f"x-{number}", b"value") for number in range(HEADERS))


def dead_of_shard(value: Any, headers: Headers) -> tuple[int, list[DeadLetter]]:
    """Decode a record of predictions."""
    outcome = run(shard(), [record(0, value, headers=headers)])
    return outcome.events, outcome.dead_letters


def dead_of_join(value: Any, headers: Headers) -> tuple[int, list[DeadLetter]]:
    """Join a record of labels."""
    joined = join().process([(InputLog.LABELS, record(0, value, headers=headers))])
    return len(outcomes([joined])), list(joined.dead_letters)


@pytest.mark.parametrize(("read", "value"), [(dead_of_shard, EVENT), (dead_of_join, LABEL)])
def test_a_thousand_headers_cost_one_look(
    read: Callable[..., Any], value: Any, headers: Headers
) -> None:
    """Each header of a record that is right is looked at twice at most."""
    _, letters = read(value, headers)
    assert letters == []
    assert Headers.looks <= 2 * HEADERS


@pytest.mark.parametrize("read", [dead_of_shard, dead_of_join])
def test_a_thousand_headers_of_what_is_wrong_are_one_dead_letter(
    read: Callable[..., Any], headers: Headers
) -> None:
    """It has all of them, and they are looked at four times at most."""
    events, [letter] = read(b'{"model_id"', headers)
    assert (events, letter.reason) == (0, Reason.NOT_JSON)
    assert Headers.looks <= 4 * HEADERS
    assert len(letter.headers) == HEADERS


def held_by(process: Callable[[int], object], count: int) -> int:
    """Return how many bytes more are held after a number of slices than after the first."""
    tracemalloc.start()
    try:
        process(0)
        before, _ = tracemalloc.get_traced_memory()
        for first in range(SLICE, count, SLICE):
            process(first)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def under_long_keys(first: int, value: Any) -> list[Any]:
    """Make a slice of records, each under another key."""
    made = []
    for offset in range(first, first + SLICE):
        own = value if isinstance(value, bytes) else value | {"event_id": f"{offset}"}
        key = b"%09d" % offset * (KEY_BYTES // 9)
        made.append(record(offset, own, timestamp=1000 * (int(BEGIN) + offset), key=key))
    return made


@pytest.mark.parametrize("value", [EVENT, b'{"model_id"'], ids=["right", "wrong"])
def test_a_thousand_long_keys_leave_nothing_in_the_decoder(value: Any) -> None:
    """Events under keys of 950 kB, and dead letters with them, hold no key when they are done."""
    target = shard()
    assert held_by(lambda first: run(target, under_long_keys(first, value)), 1000) < SLACK


@pytest.mark.parametrize("value", [LABEL, b'{"model_id"'], ids=["right", "wrong"])
def test_a_thousand_long_keys_leave_nothing_in_the_join(value: Any) -> None:
    """Labels under keys of 950 kB, and dead letters with them, hold no key when they are done."""
    target = join()

    def process(first: int) -> None:
        target.process([(InputLog.LABELS, each) for each in under_long_keys(first, value)])

    assert held_by(process, 1000) < SLACK
