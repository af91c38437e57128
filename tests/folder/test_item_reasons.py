"""Why one item is as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.folder.test_reasons import FACTS, IDLE, NOW, THEN
from tests.pull.folder import ANN, BOB, directory, file, gone
from txsyncthing.filesystem.seam import Kind, Stat
from txsyncthing.folder.flow import MAX_PERCENT, Excess
from txsyncthing.folder.guard import Held
from txsyncthing.folder.item_reasons import (
    Has,
    ItemExplanation,
    ItemFacts,
    explain_item,
    has,
    known,
)
from txsyncthing.folder.look import Sight
from txsyncthing.ignore.locate import Place
from txsyncthing.index.risk import Lost
from txsyncthing.pull.failure import Cause
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.folder import FolderState, FolderType
from txsyncthing.vocabulary.name import WireName

OLD = file("f", b"old")
NEW = file("f", b"new!", version=2)


def stat(of: FileInfo) -> Stat:
    kind = Kind.FILE if of.is_file else Kind.DIRECTORY
    return Stat(kind, of.size, 0o644, of.modified, of.modified, 1, 1, 0, 0)


def facts(ours: FileInfo | None = OLD, world: FileInfo | None = NEW, **more: object) -> ItemFacts:
    """We have the old version, Ann the new one, and she is connected."""
    made = ItemFacts(
        folder=FACTS._replace(
            connected=frozenset({ANN}),
            name={ANN: "ann", BOB: "bob"}.__getitem__,
        ),
        name=WireName("f"),
        ours=ours,
        world=world,
        versions={} if world is None else {ANN: world},
        sight=Sight(stat(ours) if ours and not ours.deleted else None),
        needed=world is not None and world is not ours,
        who=lambda short: f"device {short}",
    )
    return made._replace(**more)  # type: ignore[arg-type]


def told(
    ours: FileInfo | None = OLD, world: FileInfo | None = NEW, **more: object
) -> ItemExplanation:
    return explain_item(facts(ours, world, **more))


def codes(explanation: ItemExplanation) -> list[str]:
    return [one.code for one in explanation.blockers]


def test_in_sync() -> None:
    explained = told(NEW, NEW)
    assert (explained.code, explained.wanted, explained.blockers, explained.next) == (
        "in-sync",
        True,
        (),
        None,
    )
    assert explained.sentence == "We have the newest version, by device 10."


def test_needed_and_nothing_in_the_way() -> None:
    explained = told()
    assert (explained.code, codes(explained)) == ("needed", [])
    assert explained.next is not None


def test_deleted_everywhere() -> None:
    assert told(gone(OLD), gone(OLD)).code == "deleted"


def test_an_ignored_item_names_line_and_file() -> None:
    place = Place(".stignore", 4, "*.tmp", True)
    explained = told(ignored=True, sight=Sight(place=place), needed=False)
    assert (explained.code, explained.wanted) == ("ignored", False)
    (reason,) = explained.blockers
    assert reason.sentence == "Ignored by line 4 of .stignore: *.tmp"
    assert reason.data == {"file": ".stignore", "line": 4, "pattern": "*.tmp"}


def test_patterns_that_changed_since_the_scan() -> None:
    explained = told(ignored=True, sight=Sight(stat(OLD)), needed=False)
    assert "changed since" in explained.blockers[0].sentence
    assert explained.blockers[0].next is not None


def test_nobody_who_has_it_is_connected() -> None:
    explained = told(versions={BOB: NEW, ANN: OLD})
    assert codes(explained) == ["no-peer"]
    assert "bob has it and is not connected" in explained.blockers[0].sentence
    assert explained.next is not None and explained.next.at is None


def test_a_change_on_the_disk_that_no_scan_has_seen() -> None:
    changed = stat(OLD)._replace(size=99)
    explained = told(sight=Sight(changed))
    assert codes(explained) == ["local-change"]
    assert explained.next is not None and explained.next.at == NOW + 3600
    assert told(sight=Sight()).blockers[0].sentence == (
        "It is gone from the disk since the last scan."
    )
    only_here = told(None, None, sight=Sight(stat(OLD)), versions={}, needed=False)
    assert only_here.code == "not-scanned"


def test_a_directory_in_its_place() -> None:
    explained = told(sight=Sight(stat(directory("f"))))
    assert explained.blockers[0].sentence == "It is a directory since the last scan."


def test_what_a_try_said_is_repeated_with_its_remedy() -> None:
    folder = facts().folder._replace(status=replace(IDLE, next_try=NOW + 60))
    explained = told(errors=(Cause.NO_SPACE.of("f"),), folder=folder)
    (reason,) = explained.blockers
    assert (reason.code, reason.remedy) == ("no-space", "Free some room or lower minDiskFree.")
    assert explained.code == "blocked"
    assert explained.next is not None and explained.next.at == NOW + 60


def test_a_batch_that_is_held_blocks_it() -> None:
    held = Held(THEN, Excess(MAX_PERCENT, whole=600), {}, {ShortID(1): Lost(500)})
    folder = facts().folder._replace(held=held)
    assert codes(told(folder=folder, risky=True)) == ["held"]
    assert codes(told(folder=folder, risky=False)) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [("x" * 300, "name-too-long"), (".stversions/f", "bad-name"), (".syncthing.f.tmp", "bad-name")],
)
def test_names_that_never_come(name: str, code: str) -> None:
    explained = told(None, NEW, name=WireName(name))
    assert codes(explained) == [code]
    assert not explained.wanted


def test_another_spelling_in_its_place() -> None:
    explained = told(None, NEW, sight=Sight(other_case="F"))
    assert codes(explained) == ["case"]


def test_a_symlink_on_the_way() -> None:
    assert codes(told(sight=Sight(through=True))) == ["through-symlink"]


def test_a_folder_that_only_sends_does_not_want_it() -> None:
    folder = facts().folder._replace(type=FolderType.SEND_ONLY)
    explained = told(folder=folder)
    assert (explained.code, explained.why_not) == ("not-wanted", "this folder only sends")
    assert told(NEW, NEW, folder=folder).code == "in-sync"


def test_ignore_delete_is_why_a_deletion_is_not_wanted() -> None:
    explained = told(OLD, gone(OLD), ignore_delete=True)
    assert explained.code == "not-wanted" and "ignoreDelete" in explained.why_not


def test_a_folder_in_error_blocks_it() -> None:
    status = replace(IDLE, state=FolderState.ERROR, error="folder path missing")
    explained = told(folder=facts().folder._replace(status=status))
    assert codes(explained) == ["path-missing"]


def test_on_its_way() -> None:
    assert told(in_progress=True).code == "pulling"
    assert told(queued=True).code == "queued"


def test_changed_in_a_receive_only_folder() -> None:
    ours = NEW._replace(local_flags=LocalFlag.RECEIVE_ONLY)
    found = told(ours, OLD, needed=False)
    assert found.code == "receive-only-changed"
    (reason,) = found.blockers
    assert reason.code == found.code and reason.sentence == found.sentence
    assert "folder-revert photos" in reason.remedy
    gone = told(ours._replace(deleted=True), OLD, needed=False, sight=Sight())
    assert gone.sentence.startswith("It was deleted here")


def test_what_devices_have() -> None:
    assert has(NEW, NEW) is Has.NEWEST
    assert has(OLD, NEW) is Has.OLDER
    assert has(file("f", b"x", by=11), NEW) is Has.CONCURRENT
    assert has(NEW._replace(local_flags=LocalFlag.REMOTE_INVALID), NEW) is Has.UNUSABLE


def test_nobody_knows_an_item_that_is_nowhere() -> None:
    assert not known(facts(None, None, sight=Sight(place=Place(".stignore", 1, "*", True))))
    assert known(facts(None, None, sight=Sight(stat(OLD))))
