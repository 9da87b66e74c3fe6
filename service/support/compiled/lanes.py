"""Lanes: sixteen numbers at once, for compiled loops.

The compiler makes vectors of a simple loop by itself, but keeps what such a loop adds up in memory,
and asks before each one whether its arrays overlap. Lanes stay in registers. They become the
vectors that a processor has: one of AVX-512, two of AVX, four of NEON.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 16

_model: Any = models.PrimitiveModel
_WORD, _FLOAT = ir.IntType(32), ir.FloatType()
_ALL_BITS = 0xFFFFFFFF


class _Lanes(types.Type):
    """Numba's type of sixteen elements of one LLVM type."""

    def __init__(self, element: ir.Type) -> None:
        super().__init__(f"lanes({element})")
        self.vector = ir.VectorType(element, LANES)


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: _Lanes) -> None:
        _model.__init__(self, manager, lanes, lanes.vector)


_words, _floats = _Lanes(_WORD), _Lanes(_FLOAT)
_Emit = Callable[..., Any]


def _operation(returns: types.Type, *takes: types.Type) -> Callable[[_Emit], Any]:
    """Makes an operation of a function that emits its code; arrays reach it as their address."""

    def named(emit: _Emit) -> Any:
        def typed(_context: Any, *_given: Any) -> Any:
            def emitted(context: Any, builder: Any, of_call: Any, given: Any) -> Any:
                values = list(given)
                for place, each in enumerate(of_call.args):
                    if isinstance(each, types.Array):
                        array = context.make_array(each)(context, builder, values[place])
                        values[place] = array.data
                result = emit(builder, *values)
                return context.get_dummy_value() if result is None else result

            return returns(*takes), emitted

        # Numba asks for the names of parameters; those of `emit` begin with the builder.
        of_any: Any = typed
        of_any.__signature__ = signature(emit)
        return intrinsic(of_any)

    return named


def _flat(dtype: types.Type, readonly: bool = True) -> types.Array:
    return types.Array(dtype, 1, "C", readonly=readonly)


def _of_one(builder: Any, lanes: _Lanes, element: Any) -> Any:
    """Emits lanes that all hold one element."""
    empty = ir.Constant(lanes.vector, ir.Undefined)
    first = builder.insert_element(empty, element, _WORD(0))
    return builder.shuffle_vector(first, empty, ir.Constant(_words.vector, [0] * LANES))


def _at(builder: Any, data: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(data, [place]), _floats.vector.as_pointer())


@_operation(_words)
def all_bits(_builder: Any) -> Any:
    """Words of ones."""
    return ir.Constant(_words.vector, [_ALL_BITS] * LANES)


@_operation(_floats)
def zeros(_builder: Any) -> Any:
    """Floats of 0."""
    return ir.Constant(_floats.vector, [0.0] * LANES)


@_operation(_words, _words, _flat(types.float32), types.intp, types.float32, types.uint32)
def keep(builder: Any, words: Any, data: Any, place: Any, limit: Any, kept: Any) -> Any:
    """The words, masked by `kept` where the floats at a place of an array are above a limit."""
    floats = builder.load(_at(builder, data, place), align=4)
    at_most = builder.fcmp_ordered("<=", floats, _of_one(builder, _floats, limit))
    masked = builder.and_(words, _of_one(builder, _words, kept))
    return builder.select(at_most, words, masked)


@_operation(_words, _words)
def high_half(builder: Any, words: Any) -> Any:
    """The high 16 bits of each word, moved to the low ones."""
    return builder.lshr(words, ir.Constant(_words.vector, [LANES] * LANES))


@_operation(_floats, _flat(types.float32), types.intp, _words)
def of_lowest_bit(builder: Any, data: Any, place: Any, words: Any) -> Any:
    """The element of an array whose number, from a place on, is the lowest bit of each word.

    Where a word has none of its low 16 bits, what comes out is of no use.
    """
    function = ir.FunctionType(_words.vector, [_words.vector, ir.IntType(1)])
    count = cgutils.get_or_insert_function(builder.module, function, f"llvm.cttz.v{LANES}i32")
    lowest = builder.call(count, [words, ir.IntType(1)(0)])
    table = builder.load(_at(builder, data, place), align=4)
    found = ir.Constant(_floats.vector, ir.Undefined)
    for lane in map(_WORD, range(LANES)):  # one permutation, where the processor has it
        element = builder.extract_element(table, builder.extract_element(lowest, lane))
        found = builder.insert_element(found, element, lane)
    return found


@_operation(_floats, _words, _floats, _floats)
def choose(builder: Any, words: Any, low: Any, high: Any) -> Any:
    """The first floats where a word has one of its low 16 bits, else the second ones."""
    low_half = builder.and_(words, ir.Constant(_words.vector, [0xFFFF] * LANES))
    has_none = builder.icmp_unsigned("==", low_half, ir.Constant(_words.vector, [0] * LANES))
    return builder.select(has_none, high, low)


@_operation(_floats, _floats, _floats)
def add(builder: Any, floats: Any, others: Any) -> Any:
    """The sums of floats."""
    return builder.fadd(floats, others)


@_operation(types.void, _flat(types.float32, readonly=False), types.intp, _floats)
def store(builder: Any, data: Any, place: Any, floats: Any) -> None:
    """Writes floats to a place of an array."""
    builder.store(floats, _at(builder, data, place), align=4)
