"""
What a folder's metadata says: permission bits, times, and whether the folder may be touched at all.

Source: reference 5.1 ("Marker", "Path checks"), 2.6 ("Permissions").
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from posixpath import normpath

from txsyncthing.filesystem.seam import Filesystem, Kind, Stat
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import join

PERMISSIONS = 0o777
"""The bits that are synced; setuid, setgid and sticky stay where they are."""

DEFAULT_MARKER = ".stfolder"
_MARKER_TEXT = """\
# This directory is a Syncthing folder marker.
# Do not delete.

folderID: {id}
"""


class FolderUnhealthy(Exception):
    """The folder must not be scanned or pulled; the text is the official daemon's."""


def same_time(a: int, b: int, window: int) -> bool:
    """
    Whether two modification times count as one.

    :param window: nanoseconds; they may differ by strictly less. 0: not at all.
    """
    return a == b or abs(a - b) < window


def same_bytes(a: Stat, b: Stat) -> bool:
    """Whether nobody wrote in between, as far as metadata tell; a rename changes the time of change."""
    return (a.inode, a.size, a.modified) == (b.inode, b.size, b.modified)


def same_permissions(a: int, b: int) -> bool:
    """Whether the bits that are synced are equal."""
    return (a ^ b) & PERMISSIONS == 0


def check_folder(filesystem: Filesystem, marker: str) -> Stat:
    """
    Make sure that the folder is there and is ours; a worker's job.

    A missing marker means that something else may be mounted here, or nothing: taken for deletions,
    that would empty the folder on all devices.

    :param marker: the name of any item in the folder.
    :returns: the root's metadata.
    :raises FolderUnhealthy: the root or the marker is missing or unreadable.
    """
    try:
        root = filesystem.lstat("")
    except FileNotFoundError:
        raise FolderUnhealthy("folder path missing") from None
    except NotADirectoryError:
        raise FolderUnhealthy("folder path not a directory") from None
    except OSError as error:
        raise FolderUnhealthy(f"folder path unreadable: {error.strerror}") from None
    if root.kind is not Kind.DIRECTORY:
        raise FolderUnhealthy("folder path not a directory")
    try:
        filesystem.lstat(marker_name(marker))
    except (FileNotFoundError, NotADirectoryError):
        raise FolderUnhealthy(
            "folder marker missing (this indicates potential data loss, search docs/forum "
            "to get information about how to proceed)"
        ) from None
    except OSError as error:
        raise FolderUnhealthy(f"folder marker unreadable: {error.strerror}") from None
    return root


def marker_name(marker: str) -> str:
    """The name of the item that a setting means."""
    marker = normpath(marker)
    return "" if marker == "." else marker


def make_marker(filesystem: Filesystem, folder: FolderID, marker: str = DEFAULT_MARKER) -> None:
    """
    Make the marker of a new folder; only the default one is ever made. May exist.

    Only for a folder whose index has no sequence yet: afterwards a missing marker is an error.
    """
    if marker != DEFAULT_MARKER:
        return
    try:
        filesystem.make_directory(marker, 0o755)
    except FileExistsError:
        return
    note = marker_note(folder)
    opened = filesystem.create(join(marker, note), 0o644)
    try:
        opened.write(_MARKER_TEXT.format(id=folder).encode(), 0)
        opened.sync()
    finally:
        opened.close()
    for directory in (marker, ""):  # a marker that a power cut took would stop the folder
        with suppress(OSError):
            filesystem.sync_directory(directory)


def remove_marker(filesystem: Filesystem, folder: FolderID, marker: str, when: datetime) -> None:
    """
    Take the marker away from a folder that is configured no longer; only the default one.

    A marker that holds more than our text keeps it all, under another name.

    :param when: local time.
    :raises OSError: it cannot be removed.
    """
    if marker != DEFAULT_MARKER:
        return
    try:
        filesystem.remove(join(marker, marker_note(folder)))
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        return  # some file that is not ours
    try:
        filesystem.remove_directory(marker)
    except FileNotFoundError:
        return
    except OSError:
        filesystem.rename(marker, f"{marker}.removed-{when:%Y%m%d-%H%M%S}")


def marker_note(folder: FolderID) -> str:
    """The name of the text in the marker."""
    return f"syncthing-folder-{sha256(folder.encode()).hexdigest()[:6]}.txt"
