"""
The lines of an ignore file: comments, doubles, ``#include`` and ``#escape``.

Source: reference 5.3.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from txsyncthing.ignore.pattern import BadPattern

IGNORE_FILE = ".stignore"
MAX_SIZE = 16 * 1024 * 1024  # bytes of one ignore file
MAX_LINES = 20_000  # patterns, with those of all included files

Loader = Callable[[str], list[str]]
"""The lines of an included file, by its path from the root; OSError or UnicodeError: there is none."""


class IgnoreFile(Protocol):
    """An open ignore file."""

    def read(self, size: int, offset: int) -> bytes: ...

    def close(self) -> None: ...


class Storage(Protocol):
    """Where ignore files lie: the folder's filesystem."""

    def open(self, name: str) -> IgnoreFile: ...


@dataclass(slots=True)
class Expanded:
    """Lines with their includes in place."""

    patterns: list[str] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)  # file and line of each, from 1
    escape: str = "\\"
    files: list[str] = field(default_factory=list)  # paths of all files that were included


def expand(lines: Iterable[str], load: Loader) -> Expanded:
    """
    Take comments and doubles out and included files in.

    :raises BadPattern: a missing or repeated include, a late or broken ``#escape``.
    """
    expanded = Expanded()
    _take(expanded, set(), lines, load, IGNORE_FILE)
    return expanded


def _take(
    expanded: Expanded, seen: set[str], lines: Iterable[str], load: Loader, file: str
) -> None:
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line.startswith("//"):
            continue
        if line.startswith("#escape"):
            _set_escape(expanded, seen, line)
            continue
        if line in seen:
            continue
        seen.add(line)
        if line.split(None, 1)[0] == "#include":
            _include(expanded, seen, line, load, file)
        else:
            expanded.patterns.append(line)
            expanded.places.append((file, number))
            if len(expanded.patterns) > MAX_LINES:
                raise BadPattern(f"more than {MAX_LINES} ignore patterns")


def _set_escape(expanded: Expanded, seen: set[str], line: str) -> None:
    if "#escape" in seen or expanded.patterns:
        raise BadPattern(
            f"invalid pattern {line!r} in ignore file: allowed once, before all patterns"
        )
    name, sign, char = line.partition("=")
    if name.strip() != "#escape" or not sign or len(char.strip()) != 1:
        raise BadPattern(f"invalid pattern {line!r} in ignore file: #escape= needs one character")
    seen.add("#escape")
    expanded.escape = char.strip()


def _include(expanded: Expanded, seen: set[str], line: str, load: Loader, file: str) -> None:
    words = line.split(None, 1)
    if len(words) < 2:
        raise BadPattern(f"invalid pattern {line!r} in ignore file: #include needs a file")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), words[1]))
    if path == IGNORE_FILE or path in expanded.files:
        raise BadPattern(f"multiple include of ignore file {path!r}")
    expanded.files.append(path)
    try:
        included = load(path)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadPattern(f"failed to load include file {path!r}: {reason}") from None
    _take(expanded, seen, included, load, path)


def read_lines(filesystem: Storage, name: str = IGNORE_FILE) -> list[str]:
    """
    The lines of a file in the folder. Blocking: for a worker.

    :raises OSError: missing, unreadable or larger than 16 MiB.
    :raises UnicodeError: not UTF-8.
    """
    opened = filesystem.open(name)
    try:
        data = opened.read(MAX_SIZE + 1, 0)
    finally:
        opened.close()
    if len(data) > MAX_SIZE:
        raise OSError(f"larger than {MAX_SIZE} bytes")
    text = data.decode("utf-8-sig").removesuffix("\n")
    return [line.removesuffix("\r") for line in text.split("\n")]


def loader(filesystem: Storage, outside: Loader | None = None) -> Loader:
    """
    Reads included files from the folder.

    :param outside: for paths that leave it (``../shared``, ``/etc/ignores``); without it there are none.
    """

    def load(path: str) -> list[str]:
        if path.startswith(("/", "../")):
            if outside is None:
                raise OSError("outside of the folder")
            return outside(path)
        return read_lines(filesystem, path)

    return load
