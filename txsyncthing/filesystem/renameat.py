"""
Linux's renameat2: a rename that replaces nothing, and one that exchanges two items at once.

Python has no call for it. Blocking: for workers only.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache

NO_REPLACE = 1
EXCHANGE = 2
UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems (or C libraries) answer that cannot do it."""


def rename_at(source: int, old: str, target: int, new: str, flags: int) -> None:
    """
    :param source: the open directory of ``old``; ``target``: that of ``new``.
    :raises OSError: one of UNSUPPORTED where it cannot be done here.
    """
    call = _call()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), new)
    if call(source, os.fsencode(old), target, os.fsencode(new), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), new)


@cache
def _call() -> Callable[..., int] | None:
    found = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if found is None:
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    found.restype = ctypes.c_int
    call: Callable[..., int] = found
    return call
