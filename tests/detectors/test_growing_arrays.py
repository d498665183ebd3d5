import mmap
import sys
from typing import Any

import numpy as np
import pytest

from streamproc.detectors.runtime.growing_arrays import MAPPED, widen

MANY = 2 * MAPPED // 8


def pages_of(array: Any) -> mmap.mmap:
    """Memory that an array is a view of."""
    while isinstance(array, np.ndarray):
        array = array.base
    assert isinstance(array.obj, mmap.mmap)
    return array.obj


@pytest.mark.skipif(sys.platform != "linux", reason="other systems copy")
def test_a_large_array_that_nobody_views_is_moved_and_not_copied() -> None:
    """Its entries stay, and it is in the same memory object, which the system has enlarged."""
    arrays = {"level": np.arange(10.0)}
    widen(arrays, "level", MANY, 10)
    memory = pages_of(arrays["level"])
    widen(arrays, "level", 3 * MANY, 10)
    assert arrays["level"].shape == (3 * MANY,)
    np.testing.assert_array_equal(arrays["level"][:10], np.arange(10.0))
    assert pages_of(arrays["level"]) is memory
    assert len(memory) == 3 * MANY * 8


def test_a_view_retains_its_values_when_the_array_gets_larger() -> None:
    """Who has read a part of the state sees what it was."""
    arrays = {"level": np.arange(float(MANY))}
    widen(arrays, "level", 2 * MANY, MANY)
    view = arrays["level"][:MANY]
    widen(arrays, "level", 4 * MANY, MANY)
    arrays["level"][:] = -1.0
    np.testing.assert_array_equal(view, np.arange(float(MANY)))


@pytest.mark.parametrize("length", [20, MANY], ids=["small", "large"])
def test_records_and_arrays_of_several_dimensions_are_retained(length: int) -> None:
    """What series have learned does not depend on how many there are."""
    records = np.zeros(5, np.dtype([("n", np.float64), ("marks", np.float32, (2,))], align=True))
    records["n"], records["marks"][:, 1] = np.arange(5.0), 7.0
    arrays = {"records": records, "windows": np.ones((5, 2, 3), np.float32)}
    for name in arrays.copy():
        widen(arrays, name, length, 5)
        widen(arrays, name, 2 * length, 5)
    np.testing.assert_array_equal(arrays["records"][:5], records)
    np.testing.assert_array_equal(arrays["windows"][:5], np.ones((5, 2, 3)))
    assert arrays["windows"].shape == (2 * length, 2, 3)
    assert all(array.flags.carray for array in arrays.values())
