"""Memory: how the C library is to treat what is freed (glibc; elsewhere nothing changes)."""

import ctypes

__all__ = ["give_back", "give_back_large_blocks"]

# The parameters' numbers in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

_library = ctypes.CDLL(None)


def give_back_large_blocks() -> None:
    """Have large blocks, which only loading needs, go back to the system when they are freed.

    By itself glibc begins to keep them, 40 MB and more. Blocks as requests need them stay.
    """
    if hasattr(_library, "mallopt"):
        _library.mallopt(_MMAP_THRESHOLD, 1 << 20)
        _library.mallopt(_TRIM_THRESHOLD, 4 << 20)


def give_back() -> None:
    """Return what is free to the system now."""
    if hasattr(_library, "malloc_trim"):
        _library.malloc_trim(0)
