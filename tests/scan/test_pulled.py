"""What was pulled and not recorded, since the process was killed, is no change of ours."""

from __future__ import annotations

import pytest

from tests.scan.folder import ME, OTHER, Folder, result_of, vector
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName

PEER = DeviceID(b"\2" * 32)


def told(folder: Folder, *files: FileInfo) -> None:
    result_of(folder.index.update_remote(PEER, files))


def edited(folder: Folder, name: str, data: bytes) -> FileInfo:
    """A peer's edit of our file, and its bytes and times in place here, unrecorded."""
    old = folder.record(name)
    scratch = Folder()
    scratch.time = folder.time
    scratch.disk.put(name, data)
    scratch.scan()
    theirs = scratch.record(name)._replace(
        version=old.version.bump(OTHER, 5), modified_by=OTHER, sequence=7, inode_change=0
    )
    scratch.close()
    folder.disk.put(name, data)
    folder.disk.utime(name, theirs.modified)
    told(folder, theirs)
    return theirs


def test_a_file_in_its_place_is_the_version_of_the_peer(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    theirs = edited(folder, "f", b"new bytes")
    folder.scan()
    record = folder.record("f")
    assert record.version == theirs.version
    assert record.modified_by == OTHER
    assert record.inode_change == folder.disk.lstat("f").changed
    assert folder.index.counts().need.items == 0


def test_a_new_file_and_its_directory_are_the_versions_of_the_peer(folder: Folder) -> None:
    folder.disk.put("d/f", b"bytes")
    folder.scan()
    records = [folder.record("d"), folder.record("d/f")]
    other = Folder()
    other.disk.put("d/f", b"bytes")
    other.disk.utime("d/f", folder.disk.lstat("d/f").modified)
    theirs = [record._replace(version=vector((OTHER, 3)), sequence=3) for record in records]
    told(other, *theirs)
    other.scan()
    assert [other.record(name).version for name in ("d", "d/f")] == [vector((OTHER, 3))] * 2
    other.close()


def test_a_deletion_that_was_made_is_that_of_the_peer(folder: Folder) -> None:
    folder.disk.put("f", b"bytes")
    folder.scan()
    old = folder.record("f")
    gone = old.as_deleted(OTHER, 1, old.version.bump(OTHER, 5))._replace(sequence=9)
    told(folder, gone)
    folder.disk.remove("f")
    folder.scan()
    assert folder.record("f").version == gone.version
    assert folder.record("f").deleted


def test_equal_bytes_on_both_sides_of_a_conflict_know_both(folder: Folder) -> None:
    folder.disk.put("f", b"ours")
    folder.scan()
    old = folder.record("f")
    theirs = edited(folder, "f", b"the same")._replace(version=vector((OTHER, 5)))
    told(folder, theirs)
    folder.scan()
    assert folder.record("f").version == theirs.version.merge(old.version)


@pytest.mark.parametrize("difference", ["bytes", "time", "mode"])
def test_what_differs_is_a_change_of_ours(folder: Folder, difference: str) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    theirs = edited(folder, "f", b"new bytes")
    if difference == "bytes":
        folder.disk.put("f", b"new_bytes")
        folder.disk.utime("f", theirs.modified)
    elif difference == "time":
        folder.disk.utime("f", theirs.modified + 1)
    else:
        folder.disk.chmod("f", 0o755)
    folder.scan()
    assert folder.record("f").modified_by == ME
    assert not folder.record("f").version.covers(theirs.version)


def test_what_a_peer_may_not_give_is_a_change_of_ours(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    theirs = edited(folder, "f", b"new bytes")
    told(folder, theirs._replace(local_flags=LocalFlag.REMOTE_INVALID))
    folder.scan()
    assert folder.record(WireName("f")).modified_by == ME


def test_a_record_of_what_was_pulled_does_not_outlive_it(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    folder.disk.settle()
    theirs = edited(folder, "f", b"new bytes")
    folder.disk.remove("f")
    folder.disk.put(".syncthing.f.tmp", b"new bytes")
    folder.disk.utime(".syncthing.f.tmp", theirs.modified)
    opened = folder.disk.create(".syncthing.f.tmp", 0o644)
    opened.sync()
    opened.close()
    folder.disk.rename(".syncthing.f.tmp", "f")
    folder.scan()
    assert folder.record("f").version == theirs.version
    folder.disk.crash()
    assert folder.disk.take("f") == b"new bytes"


def test_what_cannot_be_made_durable_is_a_change_of_ours(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    edited(folder, "f", b"new bytes")
    folder.disk.fail("sync_directory", "*", OSError(5, "Input/output error"))
    folder.scan()
    assert folder.record("f").modified_by == ME
