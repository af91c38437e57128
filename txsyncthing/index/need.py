"""
Which version of an item is the global one, and who needs it.

The version of every device that told of the item is a candidate. All devices must come to the same answer,
so the choice depends on the candidates alone, not on their order: versions that a valid one
supersedes fall away first, then the rule for concurrent versions decides, which is a total order.

Source: reference 2.6 ("Global selection", "Global when top invalid"), 5.10 ("Needs list", "Remote need").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from txsyncthing.index.rows import unpack_version
from txsyncthing.vocabulary.file import INVALID_FLAGS, FileInfo, FileType, LocalFlag, wins
from txsyncthing.vocabulary.name import WireName

GLOBAL = 1
NEEDED = 2
LOCAL = 0  # row of ourselves in ``devices``

INVALID = INVALID_FLAGS.value
IGNORED = LocalFlag.IGNORED.value
DIRECTORY = FileType.DIRECTORY.value


class Candidate(NamedTuple):
    """What one device says of an item, as far as the choice and the totals go."""

    device: int  # row of ``devices``
    version: bytes  # canonical
    flags: int
    modified: int
    type: int
    deleted: int  # 0 or 1
    size: int
    state: int  # GLOBAL | NEEDED as stored; 0 while undecided
    sequence: int

    @property
    def invalid(self) -> bool:
        return self.flags & INVALID != 0


def chosen(candidates: Sequence[Candidate]) -> Candidate:
    """
    The global version; of equal ones ours, then that of the lowest row.

    :param candidates: at least one, ascending by ``device``.
    """
    if len(candidates) == 1:
        return candidates[0]
    valid = [one for one in candidates if not one.flags & INVALID] or list(candidates)
    first = valid[0]
    version = first.version
    for one in valid:
        if one.version != version:
            break
    else:
        return first
    return _best(valid)


def _best(candidates: Sequence[Candidate]) -> Candidate:
    different: dict[bytes, tuple[FileInfo, Candidate]] = {}
    for one in candidates:
        if one.version not in different:
            different[one.version] = (_file(one), one)
    rivals = list(different.values())
    top = [
        (file, one)
        for file, one in rivals
        if not any(other is not file and other.version.covers(file.version) for other, _ in rivals)
    ]
    best, answer = top[0]
    for file, one in top[1:]:
        if wins(file, best):
            best, answer = file, one
    return answer


def _file(one: Candidate) -> FileInfo:
    return FileInfo(
        WireName("?"),
        modified=one.modified,
        deleted=bool(one.deleted),
        version=unpack_version(one.version),
        local_flags=LocalFlag(one.flags),
    )


def needed_here(winner: Candidate, ours: Candidate | None) -> bool:
    """
    Whether we have to pull the global version.

    A deletion is needed only for what we know; what our own record supersedes is not, though nobody may
    take it (a change in a receive-only folder). What we ignore is: its record follows the versions of the
    others, or they would wait for us forever.
    """
    if winner.device == LOCAL or winner.flags & INVALID:
        return False
    if ours is None:
        return not winner.deleted
    if ours.version == winner.version:
        return False
    if ours.flags & INVALID:
        return not unpack_version(ours.version).covers(unpack_version(winner.version))
    return True


def in_sync(winner: Candidate, theirs: Candidate) -> bool:
    """Whether a peer has the (valid, undeleted) global version."""
    return theirs.version == winner.version


def owes_deletion(winner: Candidate, theirs: Candidate) -> bool:
    """
    Whether a peer still has what is globally deleted.

    What nobody may take counts as well, a change in its receive-only folder say; but not what it ignores
    of this very version.
    """
    return not (theirs.deleted or (theirs.flags & INVALID and theirs.version == winner.version))
