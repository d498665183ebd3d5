"""Arrays with one entry a slot that get more room, without a copy where the system can do that."""

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAPPED: Final = 1 << 18
"""Bytes from which on an array is in pages that it shares with no other: 256 kB."""


def widen(arrays: dict[str, Any], name: str, length: int, used: int) -> None:
    """Give the array of a name room for `length` entries; those behind `used` are not set.

    Parameters
    ----------
    arrays
        Arrays by name. Nobody else should hold this one, or a view of it: it is copied then.
    name
        Of the array to replace.
    length
        Entries wanted, at least as many as there are.
    used
        Entries that are retained, the first ones.

    Notes
    -----
    The pages of a large array are moved, and those of its spare room take no memory until they
    are written. To write memory for the first time costs as much as a value's detectors: a copy
    does so again, and ``ndarray.resize``, which moves pages, too, writes zeros into spare room.

    Examples
    --------
    >>> import numpy as np
    >>> arrays = {"level": np.arange(3.0)}
    >>> widen(arrays, "level", 100_000, used=3)
    >>> arrays["level"].shape, arrays["level"][:3]
    ((100000,), array([0., 1., 2.]))
    """
    array: NDArray[Any] = arrays.pop(name)
    dtype, shape = array.dtype, (length, *array.shape[1:])
    size = int(np.prod(shape)) * dtype.itemsize
    memory = _memory_of(array)
    if memory is not None:
        before = array.shape
        del array  # pages with a view are not moved
        if _moved(memory, size):
            arrays[name] = _view(memory, dtype, shape)
            return
        array = _view(memory, dtype, before)
    wide = _view(_mapped(size), dtype, shape) if size >= MAPPED else np.empty(shape, dtype)
    opaque(wide)[:used] = opaque(array)[:used]
    arrays[name] = wide


def opaque(records: NDArray[Any]) -> NDArray[Any]:
    """View records as bytes: numpy copies those ten times as fast as it copies field by field."""
    if records.dtype.names is None:
        return records
    return records.view(np.dtype((np.void, records.dtype.itemsize)))


def _memory_of(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the pages of an array that `widen` has made; None for others."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    found = base.obj if isinstance(base, memoryview) else base
    return found if isinstance(found, mmap.mmap) else None


def _mapped(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _moved(memory: mmap.mmap, size: int) -> bool:
    """Resize; returns whether the system can, and nobody holds a view."""
    try:
        memory.resize(size)
    except (BufferError, OSError, SystemError, ValueError):
        return False
    return True


def _view(memory: mmap.mmap, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    size = int(np.prod(shape)) * dtype.itemsize
    return np.frombuffer(memory, np.uint8, size).view(dtype).reshape(shape)
