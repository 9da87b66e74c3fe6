"""Compiled loops: Numba's, for declared types, so that nothing compiles while a request waits.

A loop is compiled when its module is imported, or read from the code cache. Later calls must fit
the declared types.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import numba
import numpy as np
from numba.core import config

from service.support.compiled.code_cache import CodeCache
from service.support.compiled.layout import Layout
from service.support.compiled.processor_levels import compiled_level

_config: Any = config  # fills itself from the environment
_Loop = TypeVar("_Loop", bound=Callable[..., Any])

_SCALARS = {bool: numba.boolean, int: numba.int64, float: numba.float64, np.float32: numba.float32}

if _config.CPU_NAME is None and (_level := compiled_level()) is not None:
    _config.CPU_NAME, _config.CPU_FEATURES = _level, ""


def compiled(*, fastmath: set[str] | bool = False) -> Callable[[_Loop], _Loop]:
    """Compile a function for the types that its parameters are annotated with.

    Functions that it calls must stand above it. Arrays are contiguous, have one axis and are only
    read, unless a `Layout` says otherwise. The fields of a named tuple are declared in its class.

    Args:
        fastmath: Numba's option of that name.

    Raises:
        numba.TypingError: the function does not fit the types.
    """

    def compile_now(loop: _Loop) -> _Loop:
        dispatcher: Any = numba.njit(nogil=True, fastmath=fastmath)(loop)
        dispatcher._cache = CodeCache(loop)  # `cache=True` would put a cache of Numba's there
        dispatcher.compile(tuple(_declared(loop)))
        dispatcher.disable_compile()
        return cast(_Loop, dispatcher)

    return compile_now


def unchecked(loop: _Loop) -> _Loop:
    """Return the machine code of a compiled loop, called without a look at the types of arguments.

    To look at an array that cannot be written takes 0.3 µs. Who calls must give what is declared:
    elements of another size are refused, but not another type of the same size, nor an array that
    is not contiguous. Arrays that the loop only reads may be writable, in tuples, too.
    """
    dispatcher: Any = loop
    (code,) = dispatcher.overloads.values()
    return cast(_Loop, code.entry_point)


def _declared(of: Any) -> list[Any]:
    """Numba's types of the parameters of a function, or of the fields of a named tuple."""
    hints = get_type_hints(of, include_extras=True)
    hints.pop("return", None)
    return [_type(each) for each in hints.values()]


def _type(hint: Any) -> Any:
    """Numba's type of an annotation."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, tuple):
        return numba.types.BaseTuple.from_types(_declared(hint), hint)
    if get_origin(hint) is tuple:
        return numba.types.Tuple([_type(each) for each in get_args(hint)])
    layout = Layout()
    if get_origin(hint) is Annotated:
        hint, layout = get_args(hint)
    # An annotation is `np.ndarray[shape, np.dtype[scalar]]`.
    dtype = layout.dtype or np.dtype(*get_args(get_args(hint)[1]))
    return numba.typeof(np.empty((0,) * layout.axes, dtype)).copy(readonly=not layout.written)
