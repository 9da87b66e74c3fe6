"""Compiled loops: Numba's, for declared types, so that nothing compiles while a request waits.

A loop is compiled when its module is imported, or read from the code cache. Later calls must fit
the declared types.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import numba
import numpy as np
from numba.core import config

from service.support.compiled.code_cache import CodeCache
from service.support.compiled.processor_levels import compiled_level

_config: Any = config  # fills itself from the environment
_Loop = TypeVar("_Loop", bound=Callable[..., Any])

_SCALARS = {bool: numba.boolean, int: numba.int64, float: numba.float64, np.float32: numba.float32}

if _config.CPU_NAME is None and (_level := compiled_level()) is not None:
    _config.CPU_NAME, _config.CPU_FEATURES = _level, ""


def compiled(
    *,
    dimensions: Mapping[str, int] | None = None,
    written: Collection[str] = (),
    records: "Mapping[str, np.dtype[np.void]] | None" = None,
    fastmath: set[str] | bool = False,
) -> Callable[[_Loop], _Loop]:
    """Compile a function for the types that its parameters are annotated with.

    Arrays are contiguous. Functions that it calls must stand above it. The fields of a named tuple
    are declared like parameters, by their names; its arrays must be read-only, but for `written`.

    Args:
        dimensions: number of axes of each array, by parameter, where it is not 1.
        written: the arrays that the function writes to. Others may be read-only, as a bundle's are.
        records: the dtype of each array of records.
        fastmath: Numba's option of that name.

    Raises:
        numba.TypingError: the function does not fit the types.
    """

    def compile_now(loop: _Loop) -> _Loop:
        def of(hint: Any) -> list[Any]:
            hints = get_type_hints(hint)
            hints.pop("return", None)
            return [argument(name, each) for name, each in hints.items()]

        def argument(name: str, hint: Any) -> Any:
            if isinstance(hint, type) and issubclass(hint, tuple):
                return numba.types.BaseTuple.from_types(of(hint), hint)
            axes = (dimensions or {}).get(name, 1)
            return _array((records or {}).get(name) or hint, axes, name in written)

        dispatcher: Any = numba.njit(nogil=True, fastmath=fastmath)(loop)
        dispatcher._cache = CodeCache(loop)  # `cache=True` would put a cache of Numba's there
        dispatcher.compile(tuple(of(loop)))
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


def _array(hint: Any, dimensions: int, written: bool) -> Any:
    """Numba's type of an argument, by its annotation or its dtype."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) is tuple:
        return numba.types.Tuple([_array(each, dimensions, written) for each in get_args(hint)])
    # An annotation is `np.ndarray[shape, np.dtype[scalar]]`.
    dtype = hint if isinstance(hint, np.dtype) else np.dtype(*get_args(get_args(hint)[1]))
    return numba.typeof(np.empty((0,) * dimensions, dtype)).copy(readonly=not written)
