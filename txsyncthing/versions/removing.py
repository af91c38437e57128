"""
One version goes for good, and nothing that has taken its name since.

Names of versions are used again, in the trashcan for each change of a file; and versions come while others
go: two folders may keep theirs in one place. Steps of disk workers.
"""

from __future__ import annotations

from contextlib import suppress

from txsyncthing.filesystem.metadata import same_bytes
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.versions.place import look
from txsyncthing.vocabulary.name import WireName, base_name, join, parent, temporary_name


def remove_version(versions: Filesystem, name: str, changed: int) -> bool:
    """
    Remove what was listed under a name; it loses the name first, and is looked at again without.

    Ends the process between, it lies there under the name of a leftover.

    :param changed: its time of change when it was listed, in nanoseconds.
    :returns: False: it was gone, or it is another one, which stays.
    :raises OSError: it cannot be removed, and is where it was.
    """
    found = look(versions, name)
    if found is None or found.changed != changed:
        return False
    aside = temporary_name(join(parent(name), f"~removed~{base_name(name)}"))
    try:
        versions.rename(name, aside)
    except FileNotFoundError:
        return False
    try:
        if same_bytes(found, versions.lstat(aside)):
            versions.remove(aside)
            return True
    except OSError:
        _put_back(versions, aside, name)
        raise
    _put_back(versions, aside, name)
    return False


def _put_back(versions: Filesystem, aside: WireName, name: str) -> None:
    with suppress(
        FileExistsError
    ):  # a newer one has the name by now; a later clean-up finds this one
        versions.place(aside, name)
