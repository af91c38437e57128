"""
The steps on disk for files which have the wanted bytes already, but another mode or time. Run in workers.

Source: reference 5.5 ("Metadata shortcut").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from txsyncthing.filesystem.metadata import same_bytes
from txsyncthing.filesystem.seam import Filesystem, Stat
from txsyncthing.pull.attributes import dress
from txsyncthing.pull.failure import Cause, ItemFailed
from txsyncthing.pull.finish import Outcome, each, finished
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import Placed, expect
from txsyncthing.vocabulary.file import FileInfo

COARSE = 2_000_000_000  # ns by which a disk may round times


def set_metadata(
    filesystem: Filesystem,
    items: Sequence[tuple[FileInfo, FileInfo]],
    options: PullOptions,
    now: float,
) -> list[Outcome]:
    """
    Give files that have the wanted bytes already the wanted mode and time.

    :param items: wanted and have.
    """
    names = [wanted.name for wanted, _ in items]
    steps = [partial(_set, wanted=w, have=h, options=options) for w, h in items]
    return each(filesystem, names, steps, options.sync)


def _set(filesystem: Filesystem, wanted: FileInfo, have: FileInfo, options: PullOptions) -> Outcome:
    name = wanted.name
    found = expect(filesystem, name, have, options)
    if found is None:
        raise ItemFailed(Cause.CHANGED, rescan=True)
    platform = dress(filesystem, wanted, options.attributes)
    if wanted.is_file:
        if not (options.ignore_permissions or wanted.no_permissions):
            filesystem.chmod(name, wanted.permissions & 0o777)
        # A new time would hide an edit of this moment for good.
        if not same_bytes(found, filesystem.lstat(name)):
            raise ItemFailed(Cause.CHANGED, rescan=True)
        if found.modified != wanted.modified:
            filesystem.utime(name, wanted.modified)
    after = filesystem.lstat(name)
    if wanted.is_file and not _kept(found, after, wanted.modified):
        after = found  # a scan will see the edit
    # Of concurrent versions with equal content neither is lost: who has both says so. But nobody else is to
    # hear of a version that counts only here.
    version = wanted.version if have.invalid else wanted.version.merge(have.version)
    merged = wanted._replace(version=version)
    # The list of blocks is the one of the wanted version, which peers may ask for.
    return finished(merged, Placed(after), platform)._replace(stamped=True)


def _kept(found: Stat, after: Stat, modified: int) -> bool:
    """Whether a file that got its time was not edited since."""
    if found.modified == modified:
        return same_bytes(found, after)
    same_file = (found.inode, found.size) == (after.inode, after.size)
    return same_file and abs(after.modified - modified) <= COARSE
