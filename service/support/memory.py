"""Memory: what the C library does with freed blocks (glibc; nothing changes elsewhere)."""

import ctypes

# The parameters' numbers in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

_library = ctypes.CDLL(None)


def give_back_large_blocks() -> None:
    """Return large blocks, which only loading needs, to the system when they are freed.

    By default glibc comes to keep blocks of 40 MB and more. Blocks of the size that requests need
    are still kept.
    """
    if hasattr(_library, "mallopt"):
        _library.mallopt(_MMAP_THRESHOLD, 1 << 20)
        _library.mallopt(_TRIM_THRESHOLD, 4 << 20)


def give_back() -> None:
    """Return free memory to the system now."""
    if hasattr(_library, "malloc_trim"):
        _library.malloc_trim(0)
