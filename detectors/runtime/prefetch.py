"""A hint to the processor: this series is next."""

from typing import TYPE_CHECKING, Any, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

AHEAD = 6
"""Tasks between a hint and its use."""


@intrinsic
def _prefetch(_context: Any, array: Any, index: Any, offset: Any) -> Any:  # noqa: ARG001 - numba passes by name
    """Typed by numba: what to emit for `prefetch(array, index, offset)`."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0])
        stride = builder.extract_value(data.strides, 0)
        distance = builder.add(builder.mul(given[1], stride), given[2])
        base = builder.bitcast(data.data, cgutils.voidptr_t)
        address = builder.gep(base, [distance])
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], shape)
        # For writing (1), to keep in all caches (3), data rather than code (1).
        builder.call(hint, [address, *(ir.Constant(number, n) for n in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), emit


prefetch = cast("Callable[[Any, int, int], None]", _prefetch)
"""`prefetch(array, index, offset)`: fetch the cache line `offset` bytes into `array[index]`.

With 200,000 series every value finds its series in main memory, 80 ns away. A
loop that asks for a series some tasks ahead waits for none of them.
"""
