"""What stands in a directory, so that two of them can be compared."""

from __future__ import annotations

import fnmatch
import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

UNSYNCED = frozenset({".stfolder", ".stignore", ".stversions"})


class Item(NamedTuple):
    """One item; what is not synced for its kind is left empty."""

    kind: str  # file, directory, symlink or the octal file type
    mode: int = 0  # permission bits
    size: int = 0  # bytes
    content: str = ""  # SHA-256 in hex, or the target
    modified: int = 0  # nanoseconds


KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


def snapshot(root: Path) -> dict[str, Item]:
    """
    All items below a folder's root by their relative names, Syncthing's own left out.

    A daemon may be at work: what goes away between the listing and the look is not there.
    """
    items: dict[str, Item] = {}
    for here, directories, files in os.walk(root):
        if Path(here) == root:
            directories[:] = [name for name in directories if name not in UNSYNCED]
            files = [name for name in files if name not in UNSYNCED]
        for name in directories + files:
            path = os.path.join(here, name)
            with suppress(FileNotFoundError):
                items[os.path.relpath(path, root)] = item(path)
    return items


def item(path: str | Path) -> Item:
    """One item as it stands on disk."""
    status = os.lstat(path)
    kind = KINDS.get(stat.S_IFMT(status.st_mode), oct(stat.S_IFMT(status.st_mode)))
    mode = stat.S_IMODE(status.st_mode) & 0o777
    if kind == "symlink":
        return Item(kind, content=os.readlink(path))
    if kind != "file":
        return Item(kind, mode)
    with open(path, "rb") as file:
        digest = sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return Item(kind, mode, status.st_size, digest.hexdigest(), status.st_mtime_ns)


def differences(left: dict[str, Item], right: dict[str, Item]) -> list[str]:
    """One line for each item that is not the same on both sides; empty when the trees are equal."""
    lines = []
    for name in sorted(left.keys() | right.keys()):
        mine, theirs = left.get(name), right.get(name)
        if mine != theirs:
            lines.append(f"{name!r}: {mine} | {theirs}")
    return lines


def temporary(root: Path) -> list[str]:
    """The unfinished downloads that lie below a folder's root."""
    return _named(root, ".syncthing.*.tmp")


def conflicts(root: Path) -> list[str]:
    """The conflict copies below a folder's root, by name."""
    return sorted(_named(root, "*.sync-conflict-*"))


def _named(root: Path, pattern: str) -> list[str]:
    """Not by rglob, which fails at a directory that a daemon removes in that moment."""
    return [
        os.path.relpath(os.path.join(here, name), root)
        for here, directories, files in os.walk(root)
        for name in fnmatch.filter(directories + files, pattern)
    ]
