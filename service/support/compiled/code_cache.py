"""The cache of compiled loops: a start reads what an earlier one compiled.

Numba's own cache must be able to write its directory: it ignores one that ships with a read-only
image, finds none where there is no home directory, and fails a call when the disk is full.
"""

import hashlib
import inspect
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic

from service.support.files import make_own, own_directories, refuse_shared

_config: Any = config  # fills itself from the environment
_DAMAGED = (EOFError, pickle.UnpicklingError)  # a file cut short, after a power failure say


class CodeCache:
    """The machine code of one loop: read from any of some directories, written to the first it can.

    The directories are `NUMBA_CACHE_DIR`, the `__pycache__` of the loop's module, one of the user's
    and one in the temporary directory. Where none can be written, nothing is kept. This has the
    members of a cache that Numba's dispatcher uses.
    """

    def __init__(self, loop: Callable[..., Any]) -> None:
        self._loop = loop

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the code for a signature and a processor; None if no directory has it."""
        for cache in self._caches():
            try:
                if (found := cache.load_overload(signature, target)) is not None:
                    return found
            except _DAMAGED:
                with suppress(OSError):
                    cache.flush()
            except OSError:
                continue
        return None

    def save_overload(self, signature: Any, code: Any) -> None:
        """Write code to the first directory that takes it."""
        for cache in self._caches():
            with suppress(OSError, *_DAMAGED):  # the index is read before it is written
                cache.save_overload(signature, code)
                return

    def _caches(self) -> Iterator[FunctionCache]:
        return (_numba_cache(self._loop, *place) for place in _directories(self._loop))


def _directories(loop: Callable[..., Any]) -> Iterator[tuple[Path, Path | None]]:
    """Yield directories, each with the one above it that must be the user's own, if there is any.

    Cached code is run as it is: nobody else may write where it is read.
    """
    module = Path(inspect.getfile(loop))
    # The modules of all installations share these directories, and may have names in common.
    apart = hashlib.sha256(str(module).encode()).hexdigest()[:16]
    if _config.CACHE_DIR:
        yield Path(_config.CACHE_DIR, apart), None
    yield module.parent / "__pycache__", None
    for own in own_directories():
        yield own / apart, own


def _numba_cache(loop: Callable[..., Any], directory: Path, own: Path | None) -> FunctionCache:
    """Return Numba's cache in a directory, which need not exist."""

    class Locator(InTreeCacheLocator):
        @classmethod
        def from_function(cls, function: Any, file: Any) -> Any:
            return cls(function, file)

        def get_cache_path(self) -> str:
            return str(directory)

        def get_source_stamp(self) -> Any:
            return _sources(loop)

        def ensure_cache_path(self) -> None:
            if own is not None:
                make_own(own)
            InTreeCacheLocator.ensure_cache_path(self)

    class Files(CompileResultCacheImpl):
        def __init__(self, function: Any) -> None:
            self._locator_classes = [Locator]
            CompileResultCacheImpl.__init__(self, function)

    class Cache(FunctionCache):
        _impl_class = Files

        def __init__(self) -> None:
            FunctionCache.__init__(self, loop)

        def load_overload(self, signature: Any, target: Any) -> Any:
            if own is not None:
                refuse_shared(own)
            return FunctionCache.load_overload(self, signature, target)

    return Cache()


def _sources(loop: Callable[..., Any]) -> list[bytes]:
    """The hashes of the files that a loop is made from: its own, and those of what it may call."""
    files: set[str] = set()
    loops = [loop]
    while loops:
        each = loops.pop()
        if (file := inspect.getfile(each)) not in files:
            files.add(file)
            named = each.__globals__.values()
            called = [other for other in named if isinstance(other, Dispatcher | _Intrinsic)]
            loops += [inspect.unwrap(other) for other in called]
    return [hashlib.sha256(Path(file).read_bytes()).digest() for file in sorted(files)]
