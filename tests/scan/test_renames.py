"""Files that are gone, by their content."""

from __future__ import annotations

from txsyncthing.scan.renames import Renames, deletion, pages
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

ME, OTHER = ShortID(1), ShortID(2)
OWN = FileInfo(WireName(""), modified=77, modified_by=ME, version=Vector.of([(ME, 1000)]))


def file(name: str, content: bytes = b"c", size: int = 5) -> FileInfo:
    return FileInfo(WireName(name), size=size, blocks_hash=content, version=Vector.of([(OTHER, 3)]))


def test_each_old_name_serves_once_in_order() -> None:
    renames = Renames()
    renames.add([file("a"), file("b"), file("c", b"other")], {5})
    assert [renames.take(file("new")) for _ in range(3)] == ["a", "b", None]
    assert len(renames) == 1


def test_only_valid_files_of_a_wanted_size_with_content_count() -> None:
    renames = Renames()
    renames.add(
        [
            file("empty", size=0),
            file("size", size=6),
            file("flagged")._replace(local_flags=LocalFlag.IGNORED),
            file("deleted")._replace(deleted=True),
            file("directory")._replace(type=FileType.DIRECTORY),
        ],
        {0, 5},
    )
    assert len(renames) == 0


def test_a_deletion_goes_on_counting() -> None:
    gone = deletion(file("f"), OWN)
    assert gone == FileInfo(
        WireName("f"),
        modified=77,
        modified_by=ME,
        deleted=True,
        version=Vector.of([(ME, 1000), (OTHER, 3)]),
    )


def test_a_flagged_item_is_deleted_with_an_empty_version() -> None:
    for flag in (LocalFlag.UNSUPPORTED, LocalFlag.IGNORED, LocalFlag.RECEIVE_ONLY):
        assert deletion(file("f")._replace(local_flags=flag), OWN).version == Vector()
    kept = deletion(file("f")._replace(local_flags=LocalFlag.MUST_RESCAN), OWN)
    assert kept.version != Vector()


def test_pages_hold_all_names_in_order() -> None:
    assert list(pages(["a", "b", "c"], 2)) == [["a", "b"], ["c"]]
    assert list(pages([], 2)) == []
