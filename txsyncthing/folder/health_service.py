"""
The look at a folder before anything is done in it: its root, and its ignore patterns.

Source: reference 5.1 ("Path checks", "Ignore load error").
"""

from __future__ import annotations

from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.ignores import load_matcher
from txsyncthing.folder.root import Root, stand, tops
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.runtime.worker_service import Lane


async def look(disk: Lane, filesystem: Filesystem, index: FolderIndex, root: Root) -> Matcher:
    """
    See whether a folder is well.

    :returns: the ignore patterns as they stand now.
    :raises FolderUnhealthy: it is not; nothing may be scanned or pulled.
    :raises IndexFailed: the index could not be read.
    """
    rules = root.rules()
    footing = await disk.run(stand, filesystem, rules)
    if root.emptied and 0 < rules.enough <= rules.known:
        # Some new file in a root that lost all others is no sign that all is well again.
        try:
            names = await disk.run(tops, filesystem, root.marker)
        except OSError as error:
            raise FolderUnhealthy(f"folder path unreadable: {error.strerror}") from None
        known = await index.local(names)
        if all(file.deleted for file in known.values()):
            assert root.trouble is not None
            raise root.trouble
    root.stands(footing)
    return await disk.run(load_matcher, filesystem)
