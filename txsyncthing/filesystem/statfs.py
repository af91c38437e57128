"""
Linux's statfs: which kind of file system a directory lies on.

Python's ``statvfs`` does not say that. Blocking: for workers only.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

_ROOM = 512  # bytes, more than the structure has on any machine


def kind_of(path: str) -> int:
    """``f_type``, its first field; 0 where it cannot be told."""
    call = _call()
    if call is None:
        return 0
    found = ctypes.create_string_buffer(_ROOM)
    if call(os.fsencode(path), found) != 0:
        return 0
    size = ctypes.sizeof(ctypes.c_long)
    return int.from_bytes(found.raw[:size], sys.byteorder) & 0xFFFFFFFF


@cache
def _call() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux") or os.uname().machine.startswith("s390"):
        return None  # there the field has another size
    found = getattr(ctypes.CDLL(None, use_errno=True), "statfs", None)
    if found is None:
        return None
    found.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    found.restype = ctypes.c_int
    call: Callable[..., int] = found
    return call
