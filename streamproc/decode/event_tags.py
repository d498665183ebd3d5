"""Read the tags of decoded events, which no matrix has."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from streamproc.decode.decoded_events import LayoutBatch
from streamproc.decode.fast_decoder import DecodedColumns
from streamproc.decode.layout import Layout
from streamproc.decode.structs import DECODE_ERRORS
from streamproc.schemas.records import Record

Tags = Mapping[str, str] | None


class _Tagged(msgspec.Struct):
    tags: dict[str, str] | None = None


_decode: Final = msgspec.json.Decoder(_Tagged).decode


def event_tags(layout: Layout, batch: LayoutBatch, records: Sequence[Record]) -> list[Tags]:
    """Return the tags of each event of a batch, in log order.

    Parameters
    ----------
    layout, batch
        The events.
    records
        Records of their slice.
    """
    found: list[Tags] = []
    for part in batch.parts:
        if isinstance(part, DecodedColumns):
            values = [records[position].value or b"" for position in part.positions.tolist()]
            try:
                found += [_decode(value).tags for value in values]
            except DECODE_ERRORS:
                found += [_tags_of(layout, value) for value in values]
        else:
            found += [event.tags for event in part.events]
    return found


def _tags_of(layout: Layout, value: bytes) -> Tags:
    try:
        return _decode(value).tags
    except DECODE_ERRORS:  # it was read after its odd fields were rewritten
        tags: Tags = layout.decode_again(value).tags
        return tags
