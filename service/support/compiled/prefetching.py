"""Prefetching: asking for memory before it is needed.

A request reads some thousand cache lines that are spread over the catalogue, so a loop that asks
for the next item's while it computes with this one's waits less.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from service.support.arrays.array_types import Float32, Int32

_LINE = 16  # elements of 4 bytes in one line of the processor's cache
# Of LLVM's prefetch: for reading, into all caches but the smallest, where as much as is asked for
# would push out what a loop computes with; data, not instructions.
_READ, _KEEP, _DATA = 0, 2, 1


def _line(_context: Any, array: Any, _index: Any) -> Any:
    """Asks for the line of one element of a contiguous array, which need not exist."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        builder.call(prefetch, [place, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch_line: Any = intrinsic(_line)
"""`prefetch_line(array, place)` asks for the line in which an element begins."""


@numba.njit()
def prefetch(array: Float32 | Int32, start: int, stop: int) -> None:
    """Asks for the elements of a range of a flat array of 4-byte numbers."""
    for at in range(start, stop, _LINE):
        prefetch_line(array, at)
