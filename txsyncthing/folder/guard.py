"""
When a pull would take away too much at once: what is counted, what is held, what its owner said of it.

Counted are deletions and overwrites of what we have that other devices ask for (``index/risk.py``), those
which were let through before included (``flow.py``). What is over a limit waits, all of it; everything else
still flows.

A batch is known by *marks*: how far each device's records were known when it was counted. Release and refusal
speak of what lies below the marks; what a device tells afterwards is judged anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from txsyncthing.folder.care import Care
from txsyncthing.folder.flow import MAX_PERCENT, WINDOW, Excess, Flow, Past
from txsyncthing.index.risk import Endangered, Lost, Marks
from txsyncthing.index.values import Counts, Need, Totals
from txsyncthing.pull.plan import Plan
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID, ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName


def existing(totals: Totals) -> int:
    """Items that are there, for percentages."""
    return totals.files + totals.directories + totals.symlinks


def at_most(counts: Counts, deletions: bool) -> int:
    """How many items can be at risk, by the totals alone."""
    need, here = counts.need, existing(counts.local)
    doomed = need.deleted if deletions else 0
    return min(doomed + need.files + need.symlinks + need.directories, here)


def risks(batch: Plan) -> int:
    """How many items a batch of a round takes away or replaces."""
    count = len(batch.deleted_files) + len(batch.deleted_directories) + len(batch.late)
    for need in batch.files:
        count += need.have is not None and not need.have.deleted
    for rename in batch.renames:
        count += rename.have is not None and not rename.have.deleted
    for item in batch.symlinks:
        have = item.have
        count += (
            have is not None
            and not have.deleted
            and not (have.is_symlink and have.symlink_target == item.wanted.symlink_target)
        )
    for item in batch.directories:
        count += item.have is not None and not (item.have.deleted or item.have.is_directory)
    return count


class Held(NamedTuple):
    """
    A batch that waits for its owner.

    :ivar since: unix seconds.
    :ivar excess: which limit is passed, and how.
    :ivar marks: how far the devices' records belong to it.
    :ivar by: who made what of it.
    :ivar sample: some of it.
    """

    since: float
    excess: Excess
    marks: Marks
    by: Mapping[ShortID, Lost]
    sample: Sequence[Endangered] = ()

    @property
    def id(self) -> str:
        """Another one when other items belong to it, as far as numbers and sample tell."""
        names = [one.name for one in self.sample]
        return sha256(repr((self.since, sorted(self.by.items()), names)).encode()).hexdigest()[:12]

    @property
    def lost(self) -> Lost:
        return total(self.by)

    def sentence(self, care: Care) -> str:
        """What is held and why, for people."""
        lost, parts = self.lost, []
        if lost.deletions:
            parts.append(_number(lost.deletions, "deletion"))
        if lost.overwrites:
            parts.append(_number(lost.overwrites, "overwrite"))
        _, slow, taken, whole = self.excess
        hours = f"{WINDOW / 3600:g} hours"
        when = f"in the last {hours}" if slow else "just before"
        before = f" ({taken} were taken {when})" if taken else ""
        if self.excess.limit == MAX_PERCENT:
            then = f" of {hours} ago" if slow else ""
            limit = f"more than {care.max_percent}% of the folder's {whole} items{then}"
        else:
            limit = f"more than {care.max_items} items {f'in {hours}' if slow else 'at once'}"
        return f"{' and '.join(parts)} by other devices{before}: {limit}"


def total(by: Mapping[ShortID, Lost]) -> Lost:
    """Of all devices."""
    lost = Lost()
    for one in by.values():
        lost = lost.plus(one)
    return lost


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


class Word(NamedTuple):
    """
    What the owner of a folder said, and what waits for such a word; survives restarts.

    :ivar released: below these marks all may be taken.
    :ivar refused: below these our versions are to be put on top; empty: nothing is.
    :ivar since: since when a batch is held, unix seconds; 0: none is.
    :ivar past: what was done before it, which counts with it.
    """

    released: Marks = {}
    refused: Marks = {}
    since: float = 0.0
    past: Past = Past()

    def encode(self) -> bytes:
        document = {
            "released": _plain(self.released),
            "refused": _plain(self.refused),
            "since": self.since,
            "past": [*self.past.lately, *self.past[1:]],
        }
        return orjson.dumps(document)


def decode(data: bytes | None) -> Word:
    """What was kept; nothing if it is of no use, so that all is judged anew."""
    if data is None:
        return Word()
    try:
        document = orjson.loads(data)
        return Word(
            _marks(document["released"]),
            _marks(document["refused"]),
            float(document["since"]),
            _past(document.get("past", ())),
        )
    except (ValueError, LookupError, TypeError, BadDeviceID):
        return Word()


def _past(numbers: Sequence[Any]) -> Past:
    count = len(Flow())
    return Past(Flow(*map(int, numbers[:count])), *map(int, numbers[count:]))


def merged(one: Marks, other: Marks) -> Marks:
    """What either covers; of an index that began anew only the second one's marks count."""
    result = dict(one)
    for device, (index_id, sequence) in other.items():
        before = result.get(device)
        if before is not None and before[0] == index_id:
            sequence = max(sequence, before[1])
        result[device] = (index_id, sequence)
    return result


def _plain(marks: Marks) -> dict[str, list[Any]]:
    # As text: JSON libraries know no u64.
    return {str(device): [f"{id:x}", sequence] for device, (id, sequence) in marks.items()}


def _marks(document: Mapping[str, Sequence[Any]]) -> Marks:
    return {
        DeviceID.parse(device): (int(id, 16), int(sequence))
        for device, (id, sequence) in document.items()
    }


def without(batch: Plan, names: Set[WireName]) -> None:
    """Take items out of a batch; the file that a rename would move away stays, too."""
    batch.deleted_files = [one for one in batch.deleted_files if one.wanted.name not in names]
    batch.deleted_directories = [
        one for one in batch.deleted_directories if one.wanted.name not in names
    ]
    batch.files = [one for one in batch.files if one.wanted.name not in names]
    batch.late = [one for one in batch.late if one.wanted.name not in names]
    batch.renames = [one for one in batch.renames if one.wanted.name not in names]
    batch.symlinks = [one for one in batch.symlinks if one.wanted.name not in names]
    batch.directories = [one for one in batch.directories if one.wanted.name not in names]


def replaced(batch: Plan) -> list[WireName]:
    """Names in a batch under which there may be something here."""
    names = [one.wanted.name for one in (*batch.deleted_files, *batch.deleted_directories)]
    for need in (*batch.files, *batch.late):
        if need.have is not None and not need.have.deleted:
            names.append(need.wanted.name)
    for rename in batch.renames:
        if rename.have is not None and not rename.have.deleted:
            names.append(rename.wanted.name)
    for item in (*batch.symlinks, *batch.directories):
        if item.have is not None and not item.have.deleted:
            names.append(item.wanted.name)
    return names


def on_top(need: Need, me: ShortID, now: float) -> FileInfo:
    """
    Our version of an item as the newest of all, so that the other devices take it back.

    :param now: unix seconds.
    """
    have, wanted = need.have, need.wanted
    assert have is not None
    return have._replace(
        version=have.version.merge(wanted.version).bump(me, int(now)),
        modified_by=me,
        previous_blocks_hash=wanted.blocks_hash,
        local_flags=LocalFlag.NONE,
        sequence=0,
    )
