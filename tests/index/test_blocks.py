"""Where blocks and contents lie on our disk."""

from __future__ import annotations

from hashlib import sha256

from tests.index.records import ANNA, file, gone, hashes, long_file, now, open_index, vector
from txsyncthing.index import blocks
from txsyncthing.index.service import FolderIndex
from txsyncthing.vocabulary.file import LocalFlag

NEW = vector((1, 2))


def places(index: FolderIndex, content: str) -> list[tuple[str, int]]:
    hash = hashes(content)
    return sorted((name, number) for name, number in now(index.find_blocks([hash])).get(hash, []))


def contents(index: FolderIndex, *content: str) -> list[str]:
    hash = sha256(hashes(*content)).digest()
    return sorted(one.name for one in now(index.find_contents([hash])).get(hash, []))


def rows(index: FolderIndex) -> int:
    assert index._store is not None
    found = index._store.connection.execute("SELECT count(*) FROM blocks").fetchone()
    assert found is not None
    return int(found[0])


def test_a_block_is_found_in_files_of_any_length() -> None:
    index = open_index()
    now(
        index.update_local(
            [
                file("one", content="a"),
                long_file("two", "b", "a"),
                long_file("many", *"cdefgahij"),
            ]
        )
    )
    assert places(index, "a") == [("many", 5), ("one", 0), ("two", 1)]
    assert places(index, "j") == [("many", 8)]
    assert places(index, "z") == []


def test_a_block_that_is_twice_in_a_file_is_found_twice() -> None:
    index = open_index()
    now(index.update_local([long_file("two", "a", "a")]))
    assert places(index, "a") == [("two", 0), ("two", 1)]


def test_only_sound_local_files_are_found() -> None:
    index = open_index()
    now(index.update_local([file(name, content="a") for name in "abcd"]))
    assert len(places(index, "a")) == 4
    now(index.update_local([gone("a", NEW), file("b", NEW, content="other")]))
    now(index.update_local([file("c", content="a", flags=LocalFlag.IGNORED)]))
    now(index.update_remote(ANNA, [file("e", content="a")]))
    assert places(index, "a") == [("d", 0)]
    assert contents(index, "a") == ["d"]
    assert places(index, "other") == [("b", 0)]


def test_a_popular_block_gives_a_few_places() -> None:
    index = open_index()
    now(index.update_local([file(f"{number}", content="") for number in range(50)]))
    assert len(places(index, "")) == 4
    assert len(contents(index, "")) == 16


def test_equal_content_is_found_in_files_of_any_length() -> None:
    index = open_index()
    now(
        index.update_local(
            [file("a", content="1"), long_file("b", *"12"), long_file("c", *"12345")]
        )
    )
    assert contents(index, "1") == ["a"]
    assert contents(index, *"12") == ["b"]
    assert contents(index, *"12345") == ["c"]
    assert contents(index, *"1234") == []
    (found,) = now(index.find_content(sha256(hashes(*"12345")).digest(), 5 * 131_072))
    assert found == long_file("c", *"12345")._replace(sequence=3)
    assert now(index.find_content(sha256(hashes(*"12345")).digest(), 5)) == []


def test_keys_that_coincide_do_not_mislead() -> None:
    index = open_index()
    now(index.update_local([file("a", content="a")]))
    like = hashes("a")[:8] + bytes(24)
    assert now(index.find_blocks([like])) == {}
    twin = sha256(hashes("a")).digest()[:8] + bytes(24)
    assert now(index.find_contents([twin])) == {}
    assert now(index.find_blocks([twin])) == {}


def test_the_lookup_follows_in_slices() -> None:
    index = open_index()
    many = [file(f"{number:05}", content=str(number)) for number in range(blocks.SLICE_FILES + 5)]
    now(index.update_local(many))
    assert places(index, str(blocks.SLICE_FILES + 4)) == [(many[-1].name, 0)]
    long = long_file("long", *map(str, range(blocks.SLICE_BLOCKS + 5)))
    now(index.update_local([long, file("z", content="last")]))
    assert places(index, "last") == [("z", 0)]


def test_maintenance_drops_what_nobody_uses() -> None:
    index = open_index()
    now(index.update_local([long_file("a", *"12345"), file("b", content="b")]))
    now(index.update_remote(ANNA, [long_file("r", *"67890")]))
    assert places(index, "5") == [("a", 4)]
    now(index.update_local([file("a", NEW, content="short")]))
    now(index.maintain())
    assert places(index, "5") == []
    assert places(index, "b") == [("b", 0)]
    assert rows(index) == 2
    (need,) = now(index.need())
    assert need.wanted.hashes == hashes(*"67890")
    assert index._store is not None
    lists = index._store.connection.execute("SELECT count(*) FROM lists").fetchone()
    assert lists == (1,)
