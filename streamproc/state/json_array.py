"""Hold small records of a snapshot as JSON, in an array of bytes."""

from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.state.snapshot_format import Arrays, SnapshotError

Value = TypeVar("Value")


def to_json_array(value: object) -> NDArray[np.uint8]:
    """Encode a value as JSON, as an array of bytes."""
    return np.frombuffer(msgspec.json.encode(value), np.uint8)


def from_json_array(
    arrays: Arrays, name: str, decoder: msgspec.json.Decoder[Value], default: Value
) -> Value:
    """Decode a value of a snapshot.

    Parameters
    ----------
    arrays
        Of the snapshot.
    name
        Name of the array.
    decoder
        Of the value's type.
    default
        What a snapshot of a version that did not have the array stands for.

    Raises
    ------
    SnapshotError
        If it cannot be decoded; the message names the array.

    Examples
    --------
    >>> decoder = msgspec.json.Decoder(list[str])
    >>> from_json_array({"names": to_json_array(["a", "b"])}, "names", decoder, [])
    ['a', 'b']
    >>> from_json_array({}, "names", decoder, [])
    []
    """
    written = arrays.get(name)
    if written is None:
        return default
    try:
        return decoder.decode(written.tobytes())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotError(f"array {name!r}: {error}") from error
