"""Compare the events of a model, hour by hour, with its usual number of them (compiled)."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detect.arrival_columns import (
    BLOCK_COUNT,
    BLOCK_EXPECTED,
    BLOCK_HOURS,
    BLOCK_SINCE,
    BLOCK_SQUARES,
    COMPARED,
    DISPERSION,
    NOISE,
    NONE,
    RUN,
    RUN_COUNT,
    RUN_EXPECTED,
    RUN_HOURS,
    RUN_SINCE,
    VOLUME,
    VOLUME_ACCEPTED,
    VOLUME_AT,
    VOLUME_BACK,
    VOLUME_HIGH,
    VOLUME_LOW,
)
from streamproc.detectors.runtime.jit import compiled

Row = NDArray[np.float64]

MIN_EXPECTED: Final = 30.0
"""Events that a block of hours has to have at least, or to be expected to have."""
BLOCKS: Final = 3
"""Blocks in a row that have to be far from usual, and then near to it again."""
FALL: Final = math.log(4.0)
RISE: Final = math.log(2.0)
NEAR: Final = math.log(1.6)
_MAX_RATIO: Final = 3.0  # of events to those needed, in a block without any usual ones
_NOISE: Final = 4.0
_FIRST_NOISE: Final = 0.25
_MEMORY: Final = 32.0
_CLIP: Final = 1.0
_LEARNED: Final = 48.0  # hours


@compiled
def add_hour(row: Row, hour: int, count: float, expected: float) -> bool:
    """Add an hour to the block of a model; return whether the block is complete.

    A block has as many hours as make its number of events known: where events come in bursts,
    their numbers vary by more than those of a Poisson process, and a block is longer. The first two
    days that can be compared tell by how much.
    """
    if row[BLOCK_HOURS] == 0.0:
        row[BLOCK_SINCE] = hour
    row[BLOCK_HOURS] += 1.0
    row[BLOCK_COUNT] += count
    row[BLOCK_EXPECTED] += expected
    row[BLOCK_SQUARES] += (count - expected) ** 2 / (expected + 1.0)
    row[COMPARED] += 1.0
    needed = MIN_EXPECTED * max(row[DISPERSION], 1.0)
    return bool(max(row[BLOCK_EXPECTED], row[BLOCK_COUNT] / _MAX_RATIO) >= needed)


@compiled
def judge_block(row: Row, hour: int, accept_after: float) -> int:
    """Judge a complete block of hours, and start the next one.

    A block is far from usual if it has a quarter of the usual events or fewer, or twice as many or
    more, and if that is four times as far from usual as blocks of this model are on average.

    Parameters
    ----------
    row
        The model's row of the table.
    hour
        The last hour of the block.
    accept_after
        Hours after which another volume is accepted.

    Returns
    -------
    int
        What is to be reported.
    """
    ratio = math.log((row[BLOCK_COUNT] + 1.0) / (row[BLOCK_EXPECTED] + 1.0))
    known = row[NOISE] if row[NOISE] > 0.0 else _FIRST_NOISE
    learns = row[COMPARED] <= _LEARNED
    closed = row[VOLUME] == 0.0
    side = 0.0
    if not closed:
        side = 0.0 if abs(ratio) < NEAR else row[VOLUME]
    elif not learns and ratio <= -max(FALL, _NOISE * known):
        side = -1.0
    elif not learns and ratio >= max(RISE, _NOISE * known):
        side = 1.0
    if side == 0.0 and closed:
        row[NOISE] = known + (min(abs(ratio), _CLIP) - known) / _MEMORY
        hours = row[BLOCK_HOURS]
        weight = 1.0 - (1.0 - 1.0 / _LEARNED) ** hours
        row[DISPERSION] += weight * (row[BLOCK_SQUARES] / hours - row[DISPERSION])
    found = _away(row, side, hour) if closed else _open(row, side, hour, accept_after)
    end_block(row)
    return found


@compiled
def end_block(row: Row) -> None:
    """Start the next block."""
    row[BLOCK_HOURS] = row[BLOCK_COUNT] = row[BLOCK_EXPECTED] = row[BLOCK_SQUARES] = 0.0


@compiled
def start_run(row: Row) -> None:
    """Start the next comparison with what is usual."""
    row[RUN] = row[RUN_COUNT] = row[RUN_EXPECTED] = row[RUN_HOURS] = 0.0


@compiled
def _away(row: Row, side: float, hour: int) -> int:
    if side == 0.0 or side * row[RUN] < 0.0:
        start_run(row)
    if side == 0.0:
        return NONE
    if row[RUN] == 0.0:
        row[RUN_SINCE] = row[BLOCK_SINCE]
    row[RUN] += side
    _add(row)
    if abs(row[RUN]) < BLOCKS:
        return NONE
    row[VOLUME], row[VOLUME_AT], row[RUN] = side, hour, 0.0
    return VOLUME_LOW if side < 0.0 else VOLUME_HIGH


@compiled
def _open(row: Row, side: float, hour: int, accept_after: float) -> int:
    if side == 0.0:
        if row[RUN] == 0.0:
            row[RUN_COUNT] = row[RUN_EXPECTED] = row[RUN_HOURS] = 0.0
        row[RUN] += 1.0
    elif row[RUN] > 0.0:
        start_run(row)
    _add(row)
    if row[RUN] >= BLOCKS:
        row[VOLUME] = row[RUN] = 0.0
        return VOLUME_BACK
    if side != 0.0 and hour - row[VOLUME_AT] >= accept_after:
        row[VOLUME] = row[RUN] = 0.0
        return VOLUME_ACCEPTED
    return NONE


@compiled
def _add(row: Row) -> None:
    row[RUN_COUNT] += row[BLOCK_COUNT]
    row[RUN_EXPECTED] += row[BLOCK_EXPECTED]
    row[RUN_HOURS] += row[BLOCK_HOURS]
