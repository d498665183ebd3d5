"""The one way in which this package compiles its loops."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop at its first call and keep it on disk.

    Never with fastmath: alarms must equal the reference's to the last bit, so
    the order of the operations is part of the contract. Division by zero gives
    inf or NaN, as in numpy and in Rust, instead of raising.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, error_model="numpy")(function))
