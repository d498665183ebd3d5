"""Which records are read side by side, and which one by one."""

from collections.abc import Mapping, Sequence

import numpy as np

from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout


def without_rows(
    found: list[tuple[Layout, DecodedColumns]], rows: Sequence[tuple[Layout, int]], first: int
) -> tuple[list[tuple[Layout, DecodedColumns]], list[int]]:
    """Leave out what some rows have from a position on; return those positions, too."""
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
    hinted: Sequence[Layout | None], together: range
) -> Mapping[Layout | None, Sequence[int]]:
    """Sort records by what their keys say."""
    if len(set(hinted)) == 1:
        return {hinted[0]: together}
    found: dict[Layout | None, list[int]] = {}
    for position, layout in zip(together, hinted, strict=True):
        found.setdefault(layout, []).append(position)
    return found


def without(together: range, found: list[tuple[Layout, DecodedColumns]]) -> Sequence[int]:
    """Return the records that are not among those that were found to be plain."""
    if sum(len(part) for _, part in found) == len(together):
        return ()
    taken = {at for _, part in found for at in part.positions.tolist()}
    return [at for at in together if at not in taken]


def within(part: DecodedColumns, span: range) -> DecodedColumns:
    """Return those of a span of records."""
    first, last = np.searchsorted(part.positions, (span.start, span.stop)).tolist()
    return part if last - first == len(part) else part.where(slice(first, last))
