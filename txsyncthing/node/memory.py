"""How the process keeps its memory."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
MIB = 1 << 20


def keep_freed_memory() -> None:
    """
    Blocks come and go by the megabyte: glibc shall not give their pages back each time, which the kernel
    would have to clear anew. Does nothing where the C library is another.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, 16 * MIB)
    mallopt(_MMAP_THRESHOLD, 32 * MIB)
