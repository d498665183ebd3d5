"""Pieces: values of many slots that wait in one pool."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detectors.runtime import chunk_pool as module
from streamproc.detectors.runtime.chunk_pool import SMALL, ChunkPool, gather, put, suffices

MAX_VALUES, SLOTS = 60, 4
Op = tuple[str, int, int]
OPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "free", "shrink", "reload"]), st.integers(0, SLOTS - 1)
    ).flatmap(lambda op: st.tuples(st.just(op[0]), st.just(op[1]), st.integers(1, MAX_VALUES))),
    max_size=40,
)


def add(pieces: ChunkPool, last: int, filled: int, new: list[float]) -> int:
    """Put values one by one, with room made for them before."""
    if not suffices(pieces.pool, filled, len(new)):
        pieces.widen(1)
    for i, value in enumerate(new):
        last = put(pieces.pool, last, filled + i, value)
    return last


def values(pieces: ChunkPool, last: int, filled: int) -> list[float]:
    """All that a slot holds."""
    out = np.empty(filled)
    gather(pieces.pool, last, filled, out)
    return out.tolist()


@settings(max_examples=200, deadline=None)
@given(ops=OPS)
def test_a_slot_holds_what_was_put(ops: list[Op]) -> None:
    """Whatever other slots put or let go, and whenever memory is given back or reloaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", 0)  # so that a few pieces are worth giving back
        follow(ops)


def follow(ops: list[Op]) -> None:
    """Do it, and in lists beside it; hold that they are equal in the end."""
    pieces, last, number = ChunkPool(MAX_VALUES), np.full(SLOTS, -1, np.int32), 0.0
    held: list[list[float]] = [[] for _ in range(SLOTS)]
    for what, slot, count in ops:
        mine = held[slot]
        if what == "put":
            new = [number + i for i in range(min(count, MAX_VALUES - len(mine)))]
            number += len(new)
            last[slot] = add(pieces, int(last[slot]), len(mine), new)
            mine += new
        elif what == "free":
            pieces.free(last[slot : slot + 1])
            last[slot] = -1
            mine.clear()
        elif what == "shrink" and (moved := pieces.shrunk()) is not None:
            last = moved[last]
        elif what == "reload":
            some = last >= 0
            filled = np.array([len(each) for each in held], np.int32)[some]
            last[some] = pieces.load(pieces.state(last[some], filled), filled)
    assert [values(pieces, int(last[i]), len(each)) for i, each in enumerate(held)] == held


def test_slots_take_the_room_of_what_they_hold() -> None:
    """Ten thousand slots with ten of a thousand values each hold less than 300 bytes each."""
    pieces, slots = ChunkPool(1000), 10_000
    for _ in range(slots):
        add(pieces, -1, 0, [1.0] * 10)
    assert pieces.nbytes() < 300 * slots


@pytest.mark.parametrize("filled", [1, 25, 26, 60])
def test_memory_is_given_back(filled: int) -> None:
    """Once all but one of a thousand slots let go, the pool is as small as the one needs."""
    pieces = ChunkPool(MAX_VALUES)
    last = np.array([add(pieces, -1, 0, [i + 1.0] * filled) for i in range(1000)], np.int32)
    pieces.free(last[:-1])
    moved = pieces.shrunk()
    assert moved is not None
    assert len(pieces.pool.values) <= SMALL
    assert values(pieces, int(moved[last[-1]]), filled) == [1000.0] * filled


def test_whole_warm_ups_of_an_older_version_are_read() -> None:
    """A row a slot, filled up with zeros, gives the pieces that the slots would have."""
    pieces, filled = ChunkPool(MAX_VALUES), np.array([3, 25, 26, 60], np.int32)
    whole = np.arange(1.0, 1.0 + 4 * MAX_VALUES).reshape(4, MAX_VALUES)
    whole[np.arange(MAX_VALUES) >= filled[:, None]] = 0.0
    last = pieces.load(pieces.cut(whole, filled), filled)
    for row, piece, count in zip(whole, last, filled, strict=True):
        assert values(pieces, int(piece), int(count)) == row[:count].tolist()
