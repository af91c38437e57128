"""How the process keeps its memory."""

from __future__ import annotations

import ctypes
import gc

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


def calm_collector() -> None:
    """
    Keep Python's cycle collector from stopping the reactor: a look at every object of the process took 50
    to 150 ms, several times in each large scan.

    For when all is imported and built, before the reactor runs: what is there now stays, and is never looked
    at again. After that only what is new is looked at, and all of that rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
