"""
The look at a folder before anything is done in it: its root, and its ignore patterns.

Source: reference 5.1 ("Path checks", "Ignore load error").
"""

from __future__ import annotations

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.identity import remembered
from txsyncthing.folder.ignores import load_matcher
from txsyncthing.folder.root import (
    Footing,
    Root,
    RootRules,
    anything,
    emptied,
    ground,
    present,
)
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.tops import Tops, top_names
from txsyncthing.runtime.worker_service import Lane

_ROOT = "root"  # fact of the index: the root when the folder was well last
_PAGE = 500  # items of the root that are looked for at once


async def look(disk: Lane, filesystem: Filesystem, index: FolderIndex, root: Root) -> Matcher:
    """
    See whether a folder is well.

    :returns: the ignore patterns as they stand now.
    :raises FolderUnhealthy: it is not; nothing may be scanned or pulled.
    :raises IndexFailed: the index could not be read.
    """
    if not root.kept:
        root.last, root.kept = remembered(await index.fact(_ROOT)), True
    rules = root.rules()
    footing = await disk.run(ground, filesystem, rules)
    if rules.minds:
        footing = await _witnessed(disk, filesystem, index, rules, footing)
    root.stands(footing)
    if footing.identity != root.last:
        await index.set_fact(_ROOT, footing.identity.encode())
        root.last = footing.identity
    return await disk.run(load_matcher, filesystem)


async def _witnessed(
    disk: Lane, filesystem: Filesystem, index: FolderIndex, rules: RootRules, footing: Footing
) -> Footing:
    """
    Find something in the root that the index knows: what else is there proves nothing.

    :raises RootEmptied: there is nothing of it.
    """
    tops, count = Tops(next=""), 0
    while count == 0 or tops.next:
        tops = await index.ask(top_names, tops.next, _PAGE)
        count += len(tops.names)
        found = await disk.run(present, filesystem, tops.names)
        if found:
            return footing._replace(witnesses=found, known=count >= rules.enough)
        if not tops.names:
            break
    # A few directories that hold all may have got other names.
    others = await disk.run(anything, filesystem, rules.marker)
    if not others or count >= rules.enough:
        raise await disk.run(emptied, filesystem, rules)
    return footing._replace(witnesses=others)
