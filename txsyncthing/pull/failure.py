"""
Why an item could not be pulled: a code for programs, the official sentence, and what helps.

Source: reference 5.5 (errors of lib/model/folder_sendrecv.go).
"""

from __future__ import annotations

import errno
from enum import Enum

from txsyncthing.config.size import amount
from txsyncthing.filesystem.case import CaseConflict
from txsyncthing.filesystem.seam import ThroughSymlink
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import MAX_COMPONENT, is_internal, is_temporary

CONTEXT = "syncing: "  # before the sentence, against "scanning: " for scans


class Cause(Enum):
    """Code, sentence, remedy."""

    CHANGED = (
        "changed-locally",
        "file modified but not rescanned; will try again later",
        "nothing: the item is scanned now, then tried again",
    )
    NO_PEER = (
        "no-peer",
        "no connected device has the required version of this file",
        "connect a device which has it",
    )
    NO_SPACE = ("no-space", "insufficient space on disk", "free some room or lower minDiskFree")
    THROUGH_SYMLINK = (
        "through-symlink",
        "a parent of the item is a symlink",
        "replace the symlink by a directory, or remove it",
    )
    INTERNAL = (
        "bad-name",
        "internal name, never synced",
        "remove the item on the device that has it",
    )
    TEMPORARY = (
        "bad-name",
        "name of a temporary file, never synced",
        "rename the item on the device that has it",
    )
    BAD_NAME = (
        "bad-name",
        "name cannot exist on this device",
        "rename the item on the device that has it",
    )
    LONG_NAME = (
        "name-too-long",
        f"name has a part of more than {MAX_COMPONENT} bytes",
        "shorten the name on the device that has it",
    )
    CASE = (
        "case-conflict",
        "another item's name differs only by upper and lower case",
        "rename one of the two, here or on the device that has the other",
    )
    UNEXPECTED_DIRECTORY = (
        "unexpected-directory",
        "encountered directory when trying to remove file/symlink",
        "nothing: the item is scanned now, then tried again",
    )
    NOT_EMPTY = (
        "not-empty",
        "directory is not empty; files within are probably ignored on connected devices only",
        "remove the files, or ignore them here with (?d)",
    )
    HAS_UNSCANNED = (
        "changed-locally",
        "directory contains unexpected files, scheduling scan",
        "nothing: the directory is scanned now, then tried again",
    )
    HAS_IGNORED = (
        "has-ignored",
        "directory contains ignored files (see ignore documentation for (?d) prefix)",
        "remove the ignored files, or put (?d) before the pattern",
    )
    HAS_CHANGED = (
        "changed-here",
        "directory contains items that were added or changed in this receive-only folder",
        "revert the folder, or move them elsewhere",
    )
    PERMISSION = ("permission", "permission denied", "let the node's user write there")
    OWNER = (
        "ownership",
        "the owner could not be set",
        "let the node change owners (CAP_CHOWN and CAP_FOWNER), or turn off syncOwnership and"
        " copyOwnershipFromParent",
    )
    XATTRS = (
        "xattrs",
        "an extended attribute could not be set",
        "deny the attribute in xattrFilter, or turn off syncXattrs",
    )
    DISK = ("disk", "the disk failed", "look at the disk and its file system")
    NOT_KEPT = (
        "not-kept",
        "the old version could not be kept",
        "see to the place of the old versions (versioning in the folder's settings); until then the file"
        " stays as it is",
    )
    HELD = (
        "held",
        "held by the guard",
        "look at GET /rest/x/guard, then POST /rest/x/guard/release or /rest/x/guard/refuse",
    )
    WRONG_BYTES = (
        "wrong-bytes",
        "block does not match its hash",
        "scan the folder on the device that has the file",
    )

    @property
    def code(self) -> str:
        return str(self.value[0])

    @property
    def sentence(self) -> str:
        return str(self.value[1])

    @property
    def remedy(self) -> str:
        return str(self.value[2])

    def of(self, path: str, sentence: str = "") -> ItemError:
        """The error of one item."""
        return ItemError(path, self.code, CONTEXT + (sentence or self.sentence), self.remedy)


class ItemFailed(Exception):
    """
    A step on disk must not or cannot be done.

    :param rescan: whether the disk surprised us, so that the item is to be scanned now.
    :param sentence: instead of the cause's own.
    """

    def __init__(self, cause: Cause, *, rescan: bool = False, sentence: str = "") -> None:
        super().__init__(sentence or cause.sentence)
        self.cause = cause
        self.sentence = sentence
        self.rescan = rescan


_CAUSES = {
    errno.ENOSPC: Cause.NO_SPACE,
    errno.EDQUOT: Cause.NO_SPACE,
    errno.EACCES: Cause.PERMISSION,
    errno.EPERM: Cause.PERMISSION,
    errno.EROFS: Cause.PERMISSION,
    errno.ENAMETOOLONG: Cause.LONG_NAME,
    errno.EILSEQ: Cause.BAD_NAME,
    errno.EINVAL: Cause.BAD_NAME,
}


def item_error(path: str, error: ItemFailed | OSError) -> ItemError:
    """What to tell of an item whose step raised."""
    if isinstance(error, ItemFailed):
        return error.cause.of(path, error.sentence)
    if isinstance(error, ThroughSymlink):
        return Cause.THROUGH_SYMLINK.of(path)
    if isinstance(error, CaseConflict):
        return Cause.CASE.of(path, error.sentence)
    cause = _CAUSES.get(error.errno or 0, Cause.DISK)
    return cause.of(path, error.strerror.lower() if error.strerror else "")


def no_room(path: str, folder: str, room: int, size: int) -> ItemError:
    """
    What to tell of an item that does not fit.

    :param folder: what it is called, and where it is.
    :param room: bytes that may still be used; ``size``: those the item takes.
    """
    lack = f"current {amount(max(room, 0))} < required {amount(size)}"
    return Cause.NO_SPACE.of(path, f"insufficient space in folder {folder}: {lack}")


def bad_name(name: str) -> Cause | None:
    """Why an item of this name is never written; None if it may be."""
    if is_internal(name):
        return Cause.INTERNAL
    if is_temporary(name):
        return Cause.TEMPORARY
    if "\0" in name:
        return Cause.BAD_NAME
    if len(name) * 4 > MAX_COMPONENT and any(
        len(part.encode("utf-8", "surrogatepass")) > MAX_COMPONENT for part in name.split("/")
    ):
        return Cause.LONG_NAME
    return None
