"""Convert columns of Arrow to arrays: texts to hashes, times to seconds, numbers to float64."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.decode import fast_decoder_kernel as kernel
from streamproc.decode.structs import FIRST_MS, LAST_MS
from streamproc.schemas.timestamps import MILLISECONDS_FROM

Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_UNITS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_EXACT: Final = 2**53
_DAY_MS: Final = 86_400_000


class Times(NamedTuple):
    """Event times in seconds, NaN if missing; which ones are in range; whether they lack a zone."""

    seconds: Floats
    in_range: Flags
    is_local: bool


def is_text(kind: Any) -> bool:
    """Whether values of a type are texts, or all of them null."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    of = pa.types
    if of.is_dictionary(kind):
        kind = kind.value_type
    return bool(of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind)) or bool(
        of.is_null(kind)
    )


def is_number(kind: Any) -> bool:
    """Whether values of a type are numbers or booleans, or all of them null."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    of = pa.types
    return bool(
        of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind) or of.is_null(kind)
    )


def numbers(column: Any) -> Floats:
    """Return a column of numbers; null and what is not finite become NaN."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    found: Floats = np.array(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def text_hashes(column: Any) -> Bits:
    """Return a hash of each text of a column; 0 for null."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(array.type):
        known = np.append(text_hashes(array.dictionary), np.uint64(0))
        places = array.indices.cast(pa.int64()).fill_null(len(known) - 1)
        of_row: Bits = known[places.to_numpy()]
        return of_row
    array = array.cast(pa.large_string())
    _, ends, data = array.buffers()
    found = np.zeros(len(array), np.uint64)
    if len(array) and data is not None:
        offsets = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
        text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
        kernel.digests(text, (offsets[1:] - offsets[0]).astype(np.uint64), found)
    found[array.is_null().to_numpy(zero_copy_only=False)] = 0
    return found


def times(column: Any) -> Times | None:
    """Return the times of a column; None if its type is none of a time."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":  # as Python's times, which have microseconds
            column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        missing = column.is_null().to_numpy()
        count = column.cast(pa.int64()).fill_null(0).to_numpy()
        seconds = count / _UNITS[column.type.unit]
        seconds[missing] = np.nan
        # Beyond, times are rounded, or a zone moves them out of the years 1 to 9999.
        fits = (seconds > (FIRST_MS + _DAY_MS) / 1000) & (seconds < (LAST_MS - _DAY_MS) / 1000)
        fits &= np.abs(count) < _EXACT
        return Times(seconds, fits | missing, kind.tz is None and not missing.all())
    if not is_number(kind) or pa.types.is_boolean(kind):
        return None
    if pa.types.is_float16(kind):
        column = column.cast(pa.float32())
    seconds = np.array(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    fits = (seconds >= FIRST_MS // 1000) & (seconds <= LAST_MS) | np.isnan(seconds)
    np.divide(seconds, 1000, out=seconds, where=seconds >= MILLISECONDS_FROM)
    return Times(seconds, fits, is_local=False)


def mixed(bits: Bits, salt: int) -> Bits:
    """Return well distributed bits of each value, by the finaliser of SplitMix64.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    found = bits + np.uint64(salt)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))
