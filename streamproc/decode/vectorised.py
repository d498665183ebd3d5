"""Partition records into those of a fast scan and those to decode one by one."""

from collections.abc import Mapping, Sequence

import numpy as np

from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout


def without_rows(
    found: list[tuple[Layout, DecodedColumns]], rows: Sequence[tuple[Layout, int]], first: int
) -> tuple[list[tuple[Layout, DecodedColumns]], list[int]]:
    """Remove the events of some rows from a position on; return their positions, too.

    Parameters
    ----------
    found
        Scanned events by layout.
    rows
        Layouts and rows of the events to remove.
    first
        First position to remove.
    """
    left: list[tuple[Layout, DecodedColumns]] = []
    again: list[int] = []
    for layout, part in found:
        of = [row for at, row in rows if at is layout]
        if of:
            out = np.isin(part.rows, of) & (part.positions >= first)
            again += part.positions[out].tolist()
            left.append((layout, part.where(~out)))
        else:
            left.append((layout, part))
    return left, again


def by_layout(
    hinted: Sequence[Layout | None], chunk: range
) -> Mapping[Layout | None, Sequence[int]]:
    """Group the positions of records by the layout that their keys suggest."""
    if len(set(hinted)) == 1:
        return {hinted[0]: chunk}
    found: dict[Layout | None, list[int]] = {}
    for position, layout in zip(chunk, hinted, strict=True):
        found.setdefault(layout, []).append(position)
    return found


def without(chunk: range, found: list[tuple[Layout, DecodedColumns]]) -> Sequence[int]:
    """Return the positions of the records that the scan did not decode."""
    if sum(len(part) for _, part in found) == len(chunk):
        return ()
    taken = {at for _, part in found for at in part.positions.tolist()}
    return [at for at in chunk if at not in taken]


def within(part: DecodedColumns, span: range) -> DecodedColumns:
    """Return the events of a span of positions."""
    first, last = np.searchsorted(part.positions, (span.start, span.stop)).tolist()
    return part if last - first == len(part) else part.where(slice(first, last))
