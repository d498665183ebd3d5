"""SEED's loop: blocks of values, tests at their borders, compression of like neighbours."""

import math
from typing import Any

from streamproc.detectors.mean.self_starting import bounded
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

Limits = tuple[float, int, float, int, bool]
"""Confidence, values in a block, likeness, blocks until a compression, whether to keep."""

COUNT, TOTAL, SQUARES = range(3)
"""Columns of a block: its values, their sum, their squared deviations from the block's mean."""


@compiled
def merge(blocks: Floats, count: int, k: int) -> int:
    """Make blocks k and k + 1 one; returns how many are left."""
    n0, n1 = blocks[k, COUNT], blocks[k + 1, COUNT]
    apart = blocks[k + 1, TOTAL] / n1 - blocks[k, TOTAL] / n0
    blocks[k, SQUARES] += blocks[k + 1, SQUARES] + apart * apart * n0 * n1 / (n0 + n1)
    blocks[k, COUNT] = n0 + n1
    blocks[k, TOTAL] += blocks[k + 1, TOTAL]
    for j in range(k + 1, count - 1):
        for part in range(3):
            blocks[j, part] = blocks[j + 1, part]
    return count - 1


@compiled
def apart(blocks: Floats, k: int) -> float:
    """Difference between the means of blocks k and k + 1."""
    older: float = blocks[k, TOTAL] / blocks[k, COUNT]
    newer: float = blocks[k + 1, TOTAL] / blocks[k + 1, COUNT]
    return abs(newer - older)


@compiled
def compress(blocks: Floats, count: int, grain: float) -> int:
    """Merge neighbours of like mean, from the newest back; `grain` more is allowed at each."""
    allowed = 0.0
    for k in range(count - 2, -1, -1):
        allowed += grain
        if apart(blocks, k) < allowed:
            count = merge(blocks, count, k)
    return count


@compiled
def shrink(blocks: Floats, count: int, grain: float) -> int:
    """Compress full blocks; if all of them differ, merge the two neighbours most alike."""
    count = compress(blocks, count, grain)
    if count == blocks.shape[0]:
        closest = 0
        for k in range(1, count - 1):
            if apart(blocks, k) < apart(blocks, closest):
                closest = k
        count = merge(blocks, count, closest)
    return count


@compiled
def first_cut(head: Any, blocks: Floats, delta: float) -> tuple[int, float, float]:
    """Find the newest border whose sides differ: (block, difference, bound), or 0."""
    width, total = head.width, head.total
    log_term = math.log(2.0 * math.log(width) / delta)
    spread = head.squares / width
    n1, u1 = 0.0, 0.0
    for k in range(head.count - 1, 0, -1):
        n1 += blocks[k, COUNT]
        u1 += blocks[k, TOTAL]
        n0 = width - n1
        difference = abs(u1 / n1 - (total - u1) / n0)
        harmonic = 1.0 / n0 + 1.0 / n1
        bound = math.sqrt(2.0 * harmonic * spread * log_term) + 2.0 / 3.0 * log_term * harmonic
        if difference > bound:
            return k, difference, bound
    return 0, 0.0, math.inf


@compiled
def drop(head: Any, blocks: Floats, cut: int) -> None:
    """Forget the blocks before `cut`, and sum up what is left."""
    left = head.count - cut
    head.width = head.total = head.squares = 0.0
    for k in range(left):
        for part in range(3):
            blocks[k, part] = blocks[k + cut, part]
        n, u = blocks[k, COUNT], blocks[k, TOTAL]
        if k > 0:
            gap = u / n - head.total / head.width
            head.squares += gap * gap * n * head.width / (n + head.width)
        head.squares += blocks[k, SQUARES]
        head.width += n
        head.total += u
    head.count = left


@compiled
def begin_block(head: Any, blocks: Floats, term: int, grain: float) -> None:
    """Add an empty block; compress the others first where it is time, or when all are used."""
    count = head.count
    if head.begun >= term:
        head.begun = 0
        count = compress(blocks, count, grain)
    if count == blocks.shape[0]:
        count = shrink(blocks, count, grain)
    for part in range(3):
        blocks[count, part] = 0.0
    head.count = count + 1
    head.begun += 1
    head.filled = 0


@compiled
def add(head: Any, blocks: Floats, x: float, limits: Limits) -> None:
    """Put a value into the newest block, or a new one, and into the window."""
    _, block, grain, term, _ = limits
    if head.alarmed:
        head.alarmed = False
        head.width = head.total = head.squares = 0.0
        head.count = head.begun = head.filled = 0
    if head.count == 0 or head.filled == block:
        begin_block(head, blocks, term, grain)
    newest = head.count - 1
    n, u = blocks[newest, COUNT], blocks[newest, TOTAL]
    if n > 0.0:
        gap = x - u / n
        blocks[newest, SQUARES] += gap * gap * n / (n + 1.0)
    blocks[newest, COUNT] = n + 1.0
    blocks[newest, TOTAL] = u + x
    if head.width > 0.0:
        gap = x - head.total / head.width
        head.squares += gap * gap * head.width / (head.width + 1.0)
    head.width += 1.0
    head.total += x
    head.filled += 1


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    heads: Any,
    windows: Floats,
    limits: Limits,
    row: Ints,
    statistic: Floats,
    threshold: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: delta, block, grain, term, keep."""
    delta, block, _, _, keep = limits
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            later = tasks[i + AHEAD, 3]
            prefetch(heads, later, 0)
            for line in range(0, 256, 64):
                prefetch(windows, later, line)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        head, blocks = heads[slot], windows[slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            add(head, blocks, bounded(value), limits)
            if head.filled < block or head.count < 2:
                continue
            cut, difference, bound = first_cut(head, blocks, delta)
            if cut > 0:
                row[i], statistic[i], threshold[i] = t, difference, bound
                head.alarmed = not keep
                if keep:
                    drop(head, blocks, cut)
                break
