"""
Where a scan begins: the parts of a folder that were asked for, made canonical.

Source: reference 5.2 ("Sub-scans").
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from unicodedata import normalize

from txsyncthing.filesystem.seam import Filesystem, Kind
from txsyncthing.scan.values import BadSub


def clean(subs: Iterable[str]) -> list[str]:
    """
    Canonical, in order, none within another; ``[""]`` for the whole folder.

    :raises BadSub: ``..``, or no text.
    """
    names = []
    for sub in subs:
        parts = [part for part in sub.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in sub:
            raise BadSub(f"sub {sub!r} is not within the folder: give a path below its root")
        names.append(normalize("NFC", "/".join(parts)))
    return unify(names) if names else [""]


def unify(names: Iterable[str]) -> list[str]:
    """Drop what lies within another."""
    kept: set[str] = set()
    for name in sorted(names, key=len):
        if "" not in kept and not any(above in kept for above in ancestors(name)):
            kept.add(name)
    return sorted(kept)


def ancestors(name: str) -> list[str]:
    """The directories above an item and itself, topmost first, without the root."""
    parts = name.split("/") if name else []
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def existing(filesystem: Filesystem, names: Iterable[str]) -> list[str]:
    """
    A worker's job: raise each place to the topmost one above it that is no directory any more.

    So the scan sees why all below is gone.
    """
    found = []
    with filesystem.batch() as batch:
        for name in names:
            found.append(_raised(batch, name))
    return unify(found)


def _raised(filesystem: Filesystem, name: str) -> str:
    for above in ancestors(posixpath.dirname(name)):
        try:
            if filesystem.lstat(above).kind is not Kind.DIRECTORY:
                return above
        except OSError:
            return above
    return name
