"""The record that follows on another, and rows that come in pieces."""

from __future__ import annotations

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.ignore.matcher import EMPTY
from txsyncthing.index.values import Row
from txsyncthing.scan.compare import Survey, revise
from txsyncthing.scan.values import ScanOptions
from txsyncthing.scan.walk import Walk
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

ME, OTHER = ShortID(1), ShortID(2)
OPTIONS = ScanOptions()
FRESH = Vector.of([(ME, 1000)])
NEW = FileInfo(
    WireName("f"), size=1, hashes=b"h" * 32, blocks_hash=b"b", version=FRESH, modified_by=ME
)
OLD = NEW._replace(version=Vector.of([(ME, 5), (OTHER, 9)]), modified_by=OTHER)


def test_an_unknown_item_starts_its_versions() -> None:
    assert revise(None, NEW, OPTIONS) is NEW


def test_an_equal_item_is_left_alone() -> None:
    assert revise(OLD, NEW, OPTIONS) is None


def test_other_bytes_are_a_new_version_on_top() -> None:
    changed = NEW._replace(hashes=b"H" * 32, blocks_hash=b"B")
    revised = revise(OLD._replace(platform=b"p"), changed, OPTIONS)
    assert revised == changed._replace(
        version=Vector.of([(ME, 1000), (OTHER, 9)]), previous_blocks_hash=b"b", platform=b"p"
    )


def test_another_type_has_no_previous_content() -> None:
    directory = FileInfo(WireName("f"), FileType.DIRECTORY, version=FRESH)
    revised = revise(OLD._replace(platform=b"p"), directory, OPTIONS)
    assert revised is not None
    assert (revised.previous_blocks_hash, revised.platform) == (b"", b"")


def test_flags_that_fell_leave_only_our_counter() -> None:
    for flag in (LocalFlag.UNSUPPORTED, LocalFlag.IGNORED, LocalFlag.RECEIVE_ONLY):
        revised = revise(OLD._replace(local_flags=flag), NEW, OPTIONS)
        assert revised is not None
        assert revised.version == FRESH
        assert revised.local_flags == LocalFlag.NONE


def test_what_was_ignored_has_no_previous_content() -> None:
    # An ignored item bears the record of a peer: to say that we have changed its bytes would let the peer
    # drop them without a conflict copy.
    changed = NEW._replace(hashes=b"H" * 32, blocks_hash=b"B")
    revised = revise(OLD._replace(local_flags=LocalFlag.IGNORED), changed, OPTIONS)
    assert revised is not None
    assert (revised.version, revised.previous_blocks_hash) == (FRESH, b"")


def test_a_deleted_item_that_is_back_is_a_new_version() -> None:
    revised = revise(OLD.as_deleted(OTHER, 5, OLD.version), NEW, OPTIONS)
    assert revised is not None
    assert revised.version == Vector.of([(ME, 1000), (OTHER, 9)])
    assert revised.previous_blocks_hash == b""


def row(name: str) -> Row:
    return Row(WireName(name), FileType.FILE, 0, 0, 0, True, False, 0, 0, b"", 0)


def test_rows_and_walk_meet_however_the_rows_are_cut() -> None:
    names = [f"{number:02}" for number in range(40)]
    for size in (1, 2, 3, 7, 40):
        storage = MemoryFilesystem(lambda: 1.0)
        for name in names[::2]:
            storage.put(name)
            storage.utime(name, 0)
        walk = Walk(storage, EMPTY, OPTIONS, 0)
        survey = Survey(walk, storage, EMPTY, OPTIONS)
        rows = [row(name) for name in names if int(name) % 3 == 0]
        while not survey.done:
            if survey.hungry:
                page, rows = rows[:size], rows[size:]
                survey.advance(page, all=len(page) < size)
            else:
                survey.advance()
        assert [item.name for item in survey.work] == [n for n in names[::2] if int(n) % 3]
        assert survey.missing == [n for n in names if int(n) % 6 == 3]
