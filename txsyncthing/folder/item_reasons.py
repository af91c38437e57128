"""
Why one item is as it is: what each device has, what we want, what is in the way, when it is tried next.

Codes are for programs and stay; sentences are for people. All times are unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from txsyncthing.filesystem.metadata import same_time
from txsyncthing.filesystem.seam import Kind, Stat
from txsyncthing.folder.look import Sight
from txsyncthing.folder.reasons import (
    REVERT,
    FolderFacts,
    Next,
    Reason,
    error_reason,
    held_reason,
    paused_reason,
)
from txsyncthing.pull.failure import bad_name
from txsyncthing.pull.progress import FileProgress
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.folder import FolderState, FolderType
from txsyncthing.vocabulary.name import WireName

_KINDS = {
    FileType.FILE: Kind.FILE,
    FileType.DIRECTORY: Kind.DIRECTORY,
    FileType.SYMLINK: Kind.SYMLINK,
}
_WORDS = {Kind.FILE: "file", Kind.DIRECTORY: "directory", Kind.SYMLINK: "symlink"}


class Has(StrEnum):
    """What a device has of an item, against the newest version."""

    NEWEST = "newest"
    OLDER = "older"
    CONCURRENT = "concurrent"  # made without knowing the newest
    UNUSABLE = "unusable"  # it says that nobody may have it: ignored there, or not finished


class ItemFacts(NamedTuple):
    """
    What there is to know of an item.

    :ivar ours: our record; ``world``: the newest version of all.
    :ivar versions: what each other device told.
    :ivar needed: whether the index says that we need it.
    :ivar risky: whether that would delete or overwrite what we have, and nobody released it.
    :ivar errors: of the last scan and pull.
    :ivar who: a device as people know it, by the short ID of versions.
    :ivar closed: the index is not open, so that nothing is known of any version.
    """

    folder: FolderFacts
    name: WireName
    ours: FileInfo | None
    world: FileInfo | None
    versions: Mapping[DeviceID, FileInfo]
    sight: Sight
    needed: bool = False
    risky: bool = False
    errors: tuple[ItemError, ...] = ()
    in_progress: bool = False
    queued: bool = False
    progress: FileProgress | None = None
    who: Callable[[ShortID], str] = str
    ignore_delete: bool = False
    ignored: bool = False  # by the patterns in force
    closed: bool = False


class ItemExplanation(NamedTuple):
    """
    :ivar wanted: whether we want the newest version here; ``why_not`` says why we do not.
    """

    code: str
    sentence: str
    wanted: bool
    why_not: str
    blockers: tuple[Reason, ...]
    next: Next | None


def known(facts: ItemFacts) -> bool:
    """Whether anybody has ever heard of the item, or may have."""
    sight = facts.sight
    if facts.closed:
        return True
    return bool(facts.versions or facts.ours or facts.world or sight.stat or sight.through)


def has(version: FileInfo, world: FileInfo | None) -> Has:
    if version.invalid:
        return Has.UNUSABLE
    if world is None or version.version == world.version:
        return Has.NEWEST
    return Has.OLDER if world.version.covers(version.version) else Has.CONCURRENT


def explain_item(facts: ItemFacts) -> ItemExplanation:
    why_not = _why_not(facts)
    wanted = not why_not
    blockers = tuple(_blockers(facts, wanted))
    code, sentence = _verdict(facts, wanted, why_not, blockers)
    return ItemExplanation(code, sentence, wanted, why_not, blockers, _next(facts, code, blockers))


def _why_not(facts: ItemFacts) -> str:
    """Why the newest version is not wanted here; empty if it is."""
    world = facts.world
    if facts.ignored:
        return "it is ignored here"
    if facts.closed:
        return "the folder is not at work"
    if world is None:
        return "no device has told of it"
    if world.invalid:
        return "no device has a version that others may take"
    if (cause := bad_name(facts.name)) is not None:
        return cause.sentence
    if facts.folder.type is FolderType.SEND_ONLY and _behind(facts):
        return "this folder only sends"
    if world.deleted and facts.ignore_delete and _behind(facts):
        return "deletions by other devices are not made here (ignoreDelete)"
    return ""


def _behind(facts: ItemFacts) -> bool:
    """Whether the newest version is not ours."""
    ours, world = facts.ours, facts.world
    if world is None:
        return False
    if ours is None:
        return not world.deleted
    return ours.version != world.version and not ours.version.covers(world.version)


def changed_here(facts: ItemFacts) -> str:
    """What was changed on the disk since the last scan, as far as a look tells; empty: nothing."""
    sight, ours = facts.sight, facts.ours
    if sight.error or sight.through or facts.ignored or facts.closed:
        return ""
    stat = sight.stat
    if stat is not None and stat.kind is Kind.OTHER:
        return ""
    if ours is None or ours.deleted:
        return "" if stat is None else f"a {_WORDS[stat.kind]} is here which no scan has seen yet"
    if ours.local_flags & LocalFlag.IGNORED:
        return ""
    if stat is None:
        return "it is gone from the disk since the last scan"
    if stat.kind is not _KINDS[ours.type]:
        return f"it is a {_WORDS[stat.kind]} since the last scan"
    if _differs(stat, sight.target, ours):
        return "it was changed on the disk since the last scan"
    return ""


def _differs(stat: Stat, target: bytes, ours: FileInfo) -> bool:
    if ours.is_symlink:
        return target != ours.symlink_target
    if not ours.is_file:
        return False
    return stat.size != ours.size or not same_time(stat.modified, ours.modified, 0)


def _blockers(facts: ItemFacts, wanted: bool) -> Iterable[Reason]:
    folder, sight = facts.folder, facts.sight
    if facts.ignored:
        yield _ignored(facts)
    elif (cause := bad_name(facts.name)) is not None:
        yield Reason(cause.code, _sentence(cause.sentence), remedy=_sentence(cause.remedy))
    if sight.stat is not None and sight.stat.kind is Kind.OTHER:
        yield Reason(
            "special", "It is no file, directory or symlink: such things are never synced."
        )
    if sight.through:
        yield Reason(
            "through-symlink",
            "A directory in its path is a symlink here; nothing beyond it belongs to the folder.",
            remedy="Replace the symlink by a directory, or remove it.",
        )
    if sight.error:
        yield Reason("disk", f"It cannot be looked at: {sight.error}.", remedy="Look at the disk.")
    if sight.other_case and wanted and _behind(facts):
        yield Reason(
            "case",
            f"{sight.other_case} is here, which differs only in upper and lower case.",
            remedy="Rename one of the two, on any device.",
            data={"other": sight.other_case},
        )
    if (change := changed_here(facts)) and not folder.paused:
        yield Reason(
            "local-change",
            _sentence(change),
            remedy="Nothing: the next scan finds it.",
            next=_scan(facts),
        )
    if _only_here(facts):
        yield Reason(
            "receive-only-changed",
            f"It was {'deleted' if facts.ours and facts.ours.deleted else 'changed'} here, in a"
            " receive-only folder, and that is not sent.",
            remedy=f"Revert it ({REVERT} {folder.id}), or make the folder send and receive.",
        )
    if folder.paused:
        yield paused_reason(folder)
    elif folder.status is None:
        yield Reason("starting", "The folder is being started or stopped.")
    elif folder.status.state is FolderState.ERROR:
        yield error_reason(folder.status, folder.now)
    for error in facts.errors:
        if error.cause not in ("no-peer", "held"):
            text = error.error.partition(": ")[2] or error.error
            yield Reason(
                error.cause, f"The last try failed: {text}.", remedy=_sentence(error.remedy)
            )
    if facts.needed and wanted:
        yield from _needed(facts)


def _needed(facts: ItemFacts) -> Iterable[Reason]:
    folder, world = facts.folder, facts.world
    assert world is not None
    if facts.risky and folder.held is not None:
        yield held_reason(folder.held, folder.care, folder.refusing, folder.id)
    if world.deleted or not world.is_file:
        return
    owners = [one for one, version in facts.versions.items() if has(version, world) is Has.NEWEST]
    if not any(one in folder.connected for one in owners):
        names = "; ".join(f"{folder.name(one)} has it and {folder.away(one)}" for one in owners)
        yield Reason(
            "no-peer",
            f"No device that is connected has the newest version: {names or 'none has it any more'}.",
            remedy="Connect a device which has it.",
            next=Next(None, "pulled when such a device connects"),
            data={"devices": [str(one) for one in owners]},
        )


def _ignored(facts: ItemFacts) -> Reason:
    place = facts.sight.place
    if place is None or not place.ignored:
        return Reason(
            "ignored",
            "It is ignored by the patterns of the last scan, which have changed since.",
            next=_scan(facts),
        )
    return Reason(
        "ignored",
        f"Ignored by line {place.number} of {place.file}: {place.line}",
        remedy="Change that line, or put one with ! before it.",
        data={"file": place.file, "line": place.number, "pattern": place.line},
    )


def _verdict(
    facts: ItemFacts, wanted: bool, why_not: str, blockers: tuple[Reason, ...]
) -> tuple[str, str]:
    """The whole in one word and one sentence."""
    world = facts.world
    if facts.ignored:
        return "ignored", "It is ignored here, and so neither sent nor taken."
    if facts.closed:
        return _closed(facts.folder)
    if facts.in_progress or facts.progress is not None:
        return "pulling", "It is being pulled now."
    if facts.queued:
        return "queued", "It waits for its turn in the pull that runs."
    if _only_here(facts):
        return "receive-only-changed", next(
            one.sentence for one in blockers if one.code == "receive-only-changed"
        )
    if blockers:
        first = blockers[0]
        if facts.needed and wanted:
            return "blocked", f"It is wanted, but not pulled yet. {first.sentence}"
        if first.code == "local-change":
            return "not-scanned", first.sentence
        if first.code in ("bad-name", "name-too-long", "special", "through-symlink"):
            return "never-synced", first.sentence
    if world is None:
        return "not-scanned", "The index does not know it; no device has told of it."
    maker = facts.who(world.modified_by)
    if not wanted:
        return "not-wanted", f"The newest version, by {maker}, is not taken: {why_not}."
    if not _behind(facts):
        if world.deleted:
            return "deleted", f"It is deleted here as everywhere else, by {maker}."
        return "in-sync", f"We have the newest version, by {maker}."
    if facts.needed:
        what = "Its deletion" if world.deleted else "The newest version"
        return "needed", f"{what}, by {maker}, is wanted and will be taken."
    return "not-needed", f"The newest version, by {maker}, differs, but nothing needs to be done."


def _only_here(facts: ItemFacts) -> bool:
    """Whether it was changed here in a receive-only folder."""
    return facts.ours is not None and bool(facts.ours.local_flags & LocalFlag.RECEIVE_ONLY)


def _closed(folder: FolderFacts) -> tuple[str, str]:
    later = "What the devices have of it can be told when the folder runs"
    if folder.paused:
        return "paused", f"The folder is paused, and so nothing is sent or taken. {later}."
    if folder.status is not None and folder.status.error:
        return "stopped", f"The folder is stopped: {folder.status.error}. {later} again."
    return "starting", f"The folder is being started or stopped. {later}."


def _next(facts: ItemFacts, code: str, blockers: tuple[Reason, ...]) -> Next | None:
    if code in ("in-sync", "deleted", "ignored", "not-wanted", "never-synced", "pulling"):
        return None
    for blocker in blockers:
        if blocker.next is not None:
            return blocker.next
    status = facts.folder.status
    if status is None or not facts.needed:
        return None
    if status.next_try is not None:
        return Next(status.next_try, "tried again, or earlier when a device tells of changes")
    return Next(None, "in the pull that comes next")


def _scan(facts: ItemFacts) -> Next:
    status = facts.folder.status
    at = None if status is None else status.next_scan
    return Next(at, "the next scan")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
