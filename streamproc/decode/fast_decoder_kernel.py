"""Decode plain events from JSON bytes into a matrix (compiled).

It accepts a strict subset of JSON and of the event schema; all other events go to the general
decoder, which also reports errors. Known keys and model ids are compared byte by byte. Other
strings must be ASCII without escapes. Duplicate keys are rejected, and unknown ones, unless the
model has as many features as it may. Numbers get the same
bits as in the general decoder.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.features_kernel import MAX_IGNORED, read_features
from streamproc.decode.names_kernel import (
    Bits,
    Bytes,
    Ints,
    digest,
    digests,
    find_hashed,
    matched,
    past_blanks,
    past_colon,
    past_text,
)
from streamproc.decode.value_kernel import instant, number, past_null, value
from streamproc.detectors.runtime.jit import compiled

__all__ = ["FEATURES", "MODEL_ID", "PREDICTION", "decode", "digests"]

#: Fields of an event, as `fields` of `scan` names them.
MODEL_ID, EVENT_ID, TS, PREDICTION, FEATURES, MODEL_VERSION, TAGS = range(7)
#: Keys of tags are compared pairwise; an event with more tags is not plain.
_MAX_TAGS: Final = 16

_NAN: Final = np.uint64(0x7FF8_0000_0000_0000)
# Unsigned indices avoid numpy's check for negative ones, at every byte. No value can end at index
# 0, so it means "not plain".
_NO, _ONE = np.uint64(0), np.uint64(1)
_N: Final = np.uint8(ord("n"))
_QUOTE, _ESCAPE, _COMMA, _OPEN, _CLOSE, _SPACE = (np.uint8(ord(sign)) for sign in '"\\,{} ')


@compiled
def _tags(  # noqa: PLR0911  as above
    data: Bytes, at: np.uint64, firsts: Bits, lasts: Bits
) -> np.uint64:
    """Skip an object of strings; return the index behind it."""
    if data[at] != _OPEN:
        return _NO
    at = past_blanks(data, at + _ONE)
    if data[at] == _CLOSE:
        return at + _ONE
    for known in range(len(firsts)):
        firsts[known] = at
        at = past_text(data, at)
        lasts[known] = at
        if at == _NO or _twice(data, firsts, lasts, known):
            return _NO
        at = past_colon(data, at)
        if at == _NO:
            return _NO
        at = past_text(data, at)
        if at == _NO:
            return _NO
        at = past_blanks(data, at)
        if data[at] == _CLOSE:
            return at + _ONE
        if data[at] != _COMMA:
            return _NO
        at = past_blanks(data, at + _ONE)
    return _NO


@compiled
def _twice(data: Bytes, firsts: Bits, lasts: Bits, last: int) -> bool:
    """Whether the last key equals one before it."""
    length = lasts[last] - firsts[last]
    for other in range(last):
        if lasts[other] - firsts[other] == length:
            same = _NO
            while same < length and data[firsts[other] + same] == data[firsts[last] + same]:
                same += _ONE
            if same == length:
                return True
    return False


@compiled
def _model(
    data: Bytes, at: np.uint64, ids: tuple[Bytes, Bits, Ints, Bits]
) -> tuple[np.uint64, int]:
    """Return the index behind a model id, and the index of the model; `ids` as of `find_hashed`.

    Unlike names in `looked_up`, ids need not be ASCII.
    """
    if data[at] != _QUOTE:
        return _NO, 0
    at += _ONE
    begin = at
    while data[at] != _QUOTE:
        if data[at] < _SPACE or data[at] == _ESCAPE:
            return _NO, 0
        at += _ONE
    model = find_hashed(data, begin, at, digest(data, begin, at), ids)
    return (at + _ONE, model) if model >= 0 else (_NO, 0)


@compiled
def scan(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917  arrays in, arrays out
    data: Bytes,
    ends: Bits,
    fields: tuple[Bytes, Bits],
    features: tuple[Bytes, Bits, int, Ints, Bits, bool],
    models: tuple[Bytes, Bits, Ints, Bits],
    required: int,
    bits: Bits,
    ts: Bits,
    rows: Ints,
    named: NDArray[np.bool_],
) -> None:
    """Decode each plain event into the output arrays `bits`, `ts`, `rows` and `named`.

    Parameters
    ----------
    data
        Events, each followed by a zero byte.
    ends
        (events,): indices of these zero bytes.
    fields
        Concatenated names of an event's fields, and where each ends.
    features
        Concatenated feature names, where each ends, how many are numeric, their order by hash, the
        sorted hashes, and whether unknown features are ignored. Features that are not numeric must
        be null.
    models
        Concatenated model ids, where each ends, their order by hash, and the sorted hashes.
    required
        Bit mask of the required fields.
    bits
        (events, columns): float64 bits of the numeric features, then of the prediction if any.
    ts
        (events,): float64 bits of the event time as written, NaN if missing.
    rows
        (events,): index of the model, -1 if the event is not plain.
    named
        (events,): whether there is an `event_id`.
    """
    names, name_ends, numbers, by_hash, hashes, ignores = features
    seconds = ts.view(np.float64)
    predicts = bits.shape[1] > numbers
    seen = np.full(len(name_ends), -1, np.int64)
    unknown = np.empty(MAX_IGNORED if ignores else 0, np.uint64)
    firsts, lasts = np.empty(_MAX_TAGS, np.uint64), np.empty(_MAX_TAGS, np.uint64)
    start = _NO
    for each in range(len(ends)):
        at = past_blanks(data, start)
        start = ends[each] + _ONE
        rows[each], ts[each], named[each] = -1, _NAN, False
        bits[each] = _NAN
        if data[at] != _OPEN:
            continue
        at = past_blanks(data, at + _ONE)
        field, model, found = 0, -1, 0
        while True:
            at, field, _ = matched(data, at, fields[0], fields[1], field, len(fields[1]))
            if at == _NO or found & (1 << field):
                break
            found |= 1 << field
            at = past_colon(data, at)
            if at == _NO:
                break
            if field == FEATURES:
                at = read_features(
                    data, at, names, name_ends, numbers, (by_hash, hashes), bits[each], seen,
                    each, unknown,
                )  # fmt: skip
            elif field == MODEL_ID:
                at, model = _model(data, at, models)
            elif field == PREDICTION:
                if predicts:
                    at, bits[each, numbers] = value(data, at)
                else:
                    at = _NO
            elif data[at] == _N:
                at = past_null(data, at)
            elif field == TS:
                if data[at] == _QUOTE:
                    at, seconds[each] = instant(data, at)
                else:
                    at, ts[each] = number(data, at)
            elif field == TAGS:
                at = _tags(data, at, firsts, lasts)
            else:
                at = past_text(data, at)
                named[each] |= field == EVENT_ID
            if at == _NO:
                break
            at = past_blanks(data, at)
            if data[at] == _COMMA:
                at = past_blanks(data, at + _ONE)
                field += 1
                if field == len(fields[1]):
                    field = 0
                continue
            if data[at] == _CLOSE and found & required == required:
                at = past_blanks(data, at + _ONE)
                if at == ends[each]:
                    rows[each] = model
            break


@compiled
def decode(  # noqa: PLR0913, PLR0917  as above
    data: Bytes,
    lengths: Ints,
    fields: tuple[Bytes, Bits],
    features: tuple[Bytes, Bits, int, Ints, Bits, bool],
    models: tuple[Bytes, Bits, Ints, Bits],
    required: int,
    bits: Bits,
    ts: Bits,
    rows: Ints,
    named: NDArray[np.bool_],
    layout_rows: Ints,
    limits: tuple[float, float, float],
) -> bool:
    """Do as `scan`, and convert models and times if every event is plain and has a usual time.

    Parameters
    ----------
    lengths
        (events,): bytes of each event, without the zero byte.
    layout_rows
        Row in the layout of each model.
    limits
        First and last event time, and the first one that counts milliseconds.

    Returns
    -------
    bool
        Whether `rows` are rows of the layout and `ts` seconds; otherwise they are as of `scan`.
    """
    ends = np.empty(len(lengths), np.uint64)
    end = _NO
    for each in range(len(lengths)):
        end += np.uint64(lengths[each])
        ends[each] = end
        end += _ONE
    scan(data, ends, fields, features, models, required, bits, ts, rows, named)
    first, last, milliseconds_from = limits
    seconds = ts.view(np.float64)
    for each in range(len(rows)):
        if rows[each] < 0 or not first <= seconds[each] <= last:
            return False
    for each in range(len(rows)):
        rows[each] = layout_rows[rows[each]]
        if seconds[each] >= milliseconds_from:
            seconds[each] /= 1000.0
    return True
