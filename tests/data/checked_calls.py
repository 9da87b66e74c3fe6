"""A plugin of pytest: calls of compiled loops that do not look at their arguments' types do so.

Load it with `pytest -p tests.data.checked_calls`.
"""

from collections.abc import Callable
from typing import Any

import numba
import pytest

from service.support.compiled import compilation

_compilation: Any = compilation  # of which a name is replaced
_Tuple: Any = numba.types.BaseTuple
_unchecked = compilation.unchecked
_called: set[str] = set()  # names of loops


def fits(given: Any, declared: Any) -> bool:
    """Whether an argument's type is the declared one; an array that is only read may be writable.

    Numbers always fit: they are converted.
    """
    if isinstance(declared, numba.types.Array):
        same = isinstance(given, numba.types.Array) and given.layout == declared.layout
        same = same and (given.dtype, given.ndim) == (declared.dtype, declared.ndim)
        return same and (given.mutable or not declared.mutable)
    if isinstance(declared, _Tuple):
        same = isinstance(given, _Tuple) and len(given) == len(declared)
        return same and all(map(fits, given, declared))
    return isinstance(given, numba.types.Number | numba.types.Boolean)


def checked(loop: Any) -> Callable[..., Any]:
    """Stand in for `unchecked`: the same calls, after a look at the types of their arguments."""
    call, (declared,) = _unchecked(loop), loop.overloads

    def checked_call(*arguments: Any) -> Any:
        for place, (argument, wanted) in enumerate(zip(arguments, declared, strict=True)):
            if not fits(given := numba.typeof(argument), wanted):
                raise TypeError(f"{loop.__name__}, argument {place}: {given} for {wanted}")
        _called.add(loop.__name__)
        return call(*arguments)

    return checked_call


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Check from now on; conftests import the callers."""
    _compilation.unchecked = checked


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the loops whose calls were checked."""
    terminalreporter.write_line(f"checked: {' '.join(sorted(_called))}")
