"""
The ignore file of a folder: read for a scan, shown, replaced. Workers' jobs.

Source: reference 5.3, 7.4 (``/rest/db/ignores``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.forms import forms
from txsyncthing.ignore.lines import IGNORE_FILE, loader, read_lines
from txsyncthing.ignore.matcher import EMPTY, BadPattern, Matcher
from txsyncthing.vocabulary.name import temporary_name


class Ignores(NamedTuple):
    """What ``/rest/db/ignores`` shows; ``error`` is empty while the patterns are good."""

    lines: tuple[str, ...]
    expanded: tuple[str, ...]
    error: str = ""


def load_matcher(filesystem: Filesystem) -> Matcher:
    """
    The patterns as they stand in the folder now.

    :raises FolderUnhealthy: they are there but cannot be understood, so nothing may be synced.
    """
    found = load_ignores(filesystem)
    if found.error:
        raise FolderUnhealthy(f"loading ignores: {found.error}")
    return Matcher.parse(found.lines, loader(filesystem)) if found.lines else EMPTY


def load_ignores(filesystem: Filesystem) -> Ignores:
    """The lines and what is wrong with them."""
    try:
        lines = tuple(read_lines(filesystem))
    except FileNotFoundError:
        return Ignores((), ())
    except UnicodeError:
        return Ignores((), (), f"{IGNORE_FILE} is not UTF-8")
    except OSError as error:
        return Ignores((), (), error.strerror or str(error))
    try:
        expanded = Matcher.parse(lines, loader(filesystem)).expanded
    except BadPattern as error:
        return Ignores(lines, (), str(error))
    return Ignores(lines, tuple(form for line in expanded for form in forms(line)))


def store_ignores(filesystem: Filesystem, lines: Sequence[str]) -> Ignores:
    """
    Replace the ignore file at once, and return when that is on the disk; no lines remove it.

    :raises OSError: it cannot be written.
    """
    if not lines:
        with contextlib.suppress(FileNotFoundError):
            filesystem.remove(IGNORE_FILE)
            filesystem.sync_directory("")
        return load_ignores(filesystem)
    temporary = temporary_name(IGNORE_FILE)
    opened = filesystem.create(temporary, 0o644)
    try:
        opened.truncate(0)
        opened.write("".join(f"{line}\n" for line in lines).encode(), 0)
        opened.sync()
    finally:
        opened.close()
    filesystem.rename(temporary, IGNORE_FILE)
    filesystem.sync_directory(
        ""
    )  # with the old patterns after a power cut, more or less would be synced
    return load_ignores(filesystem)
