"""
Links and renames from one storage to another. Blocking: for workers only.

Two storages may be the same disk under two roots, or one may be a directory of the other: then a file goes
from one to the other without a byte being copied.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from txsyncthing.filesystem.below import Below
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.renameat import NO_REPLACE, UNSUPPORTED, rename_at
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.vocabulary.name import parent


def link_across(source: Filesystem, old: str, target: Filesystem, new: str) -> None:
    """
    Give a file a second name in another storage, which must be free.

    :raises FileExistsError: the name is taken.
    :raises OSError: also where that cannot be, EXDEV among others.
    """
    source, old, target, new = _based(source, old, target, new)
    if source is target:
        source.link(old, new)
    else:
        _between(source, old, target, new, _link)
        if isinstance(target, CaseFilesystem):
            target.came(new)


def place_across(source: Filesystem, old: str, target: Filesystem, new: str) -> None:
    """
    Rename where nothing is to be replaced.

    :raises FileExistsError: the name is taken. A storage that cannot tell replaces it.
    :raises OSError: also where that cannot be, EXDEV among others.
    """
    source, old, target, new = _based(source, old, target, new)
    if source is target:
        source.place(old, new)
    else:
        _between(source, old, target, new, _place)
        if isinstance(source, CaseFilesystem):
            source.went(old)
        if isinstance(target, CaseFilesystem):
            target.came(new)


def _based(
    source: Filesystem, old: str, target: Filesystem, new: str
) -> tuple[Filesystem, str, Filesystem, str]:
    """The same in the storages that hold these."""
    while isinstance(source, Below):
        old = source.name(old)
        source = source.base
    while isinstance(target, Below):
        new = target.name(new)
        target = target.base
    return source, old, target, new


def _between(
    source: Filesystem,
    old: str,
    target: Filesystem,
    new: str,
    step: Callable[[int, str, int, str], None],
) -> None:
    if isinstance(source, CaseFilesystem):
        source.check(old)
        source = source.plain
    if isinstance(target, CaseFilesystem):
        target.check(parent(new))
        target = target.plain
    if not (isinstance(source, DiskFilesystem) and isinstance(target, DiskFilesystem)):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old, None, new)
    with source.both(old, new, target) as both:
        step(*both)


def _link(source: int, old: str, target: int, new: str) -> None:
    os.link(old, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)


def _place(source: int, old: str, target: int, new: str) -> None:
    try:
        rename_at(source, old, target, new, NO_REPLACE)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
