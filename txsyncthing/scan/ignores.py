"""
The ignore file of a folder, read from its storage. Blocking: for workers.

Source: reference 5.3 ("File", "Includes").
"""

from __future__ import annotations

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.lines import IGNORE_FILE, Loader
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.ignore.pattern import BadPattern

MAX_SIZE = 16 * 1024 * 1024  # bytes of one ignore file


def read_matcher(filesystem: Filesystem, outside: Loader | None = None) -> Matcher:
    """
    A job: the patterns of a folder; none without an ignore file.

    :param outside: see ``loader``.
    :raises BadPattern: the file or an included one cannot be used.
    """
    try:
        lines = read_lines(filesystem)
    except FileNotFoundError:
        return EMPTY
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadPattern(f"failed to load {IGNORE_FILE!r}: {reason}") from None
    return Matcher.parse(lines, loader(filesystem, outside))


def read_lines(filesystem: Filesystem, name: str = IGNORE_FILE) -> list[str]:
    """
    The lines of a file in the folder, for a worker.

    :raises OSError: missing, unreadable or larger than 16 MiB.
    :raises UnicodeError: not UTF-8.
    """
    opened = filesystem.open(name)
    try:
        if opened.stat().size > MAX_SIZE:
            raise OSError(f"larger than {MAX_SIZE} bytes")
        data = opened.read(MAX_SIZE, 0)
    finally:
        opened.close()
    return [
        line.removesuffix("\r") for line in data.decode("utf-8-sig").removesuffix("\n").split("\n")
    ]


def loader(filesystem: Filesystem, outside: Loader | None = None) -> Loader:
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
