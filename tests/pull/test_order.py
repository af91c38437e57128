"""Files come in the order asked for, and neither that nor deletions are ever worked out all at once."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from tests.pull.folder import directory, file
from txsyncthing.index.values import Need
from txsyncthing.pull.order import Queued, Waiting, cut
from txsyncthing.pull.plan import Deletions
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

PAGE = 250


class Counted(int):
    """A key that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)


def waiting(pages: int) -> Waiting:
    random = Random(pages)
    result = Waiting()
    for page in range(pages):
        result.add(
            Queued(Counted(random.randrange(1 << 40)), WireName(f"{page}/{number}"))
            for number in range(PAGE)
        )
    return result


def test_files_come_by_their_keys_whatever_the_page_that_brought_them() -> None:
    pages = list(waiting(9).pages(100))
    assert [len(page) for page in pages] == [100] * 22 + [50]
    keys = [int(one.key) for page in pages for one in page]
    assert all(before <= after for before, after in pairwise(keys))
    assert len({one.name for page in pages for one in page}) == 9 * PAGE


def test_a_page_of_a_hundred_thousand_is_a_pages_work() -> None:
    pages = waiting(400).pages(PAGE)
    most = 0
    for _ in range(20):
        Counted.compared = 0
        next(pages)
        most = max(most, Counted.compared)
    assert most < PAGE * 40  # where sorting them at once takes more than a million comparisons


def test_what_is_cut_is_whole() -> None:
    assert list(cut(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(cut([], 2)) == []


def gone(have: FileInfo) -> Need:
    wanted = have.as_deleted(have.modified_by, have.modified, Vector.of([(10, 9)]))
    return Need(wanted, have, ())


def test_deletions_are_planned_page_by_page_files_first_and_the_deepest_directories_before_others() -> (
    None
):
    doomed = Deletions()
    names = [f"d/{number:04}" for number in range(25)]
    for some in cut(names, 7):
        doomed.add([gone(file(name, name.encode())) for name in some], lambda name: False)
    doomed.add([gone(directory(name)) for name in ("e", "e/f", "e/f/g")], lambda name: False)
    plans = list(doomed.plans(10))
    assert [len(plan) for plan in plans] == [10, 10, 5, 3]
    assert [item.wanted.name for plan in plans for item in plan.deleted_files] == names
    directories = [item.wanted.name for plan in plans for item in plan.deleted_directories]
    assert directories == ["e/f/g", "e/f", "e"]


def test_a_rename_that_failed_is_a_deletion_again() -> None:
    doomed = Deletions()
    doomed.add([gone(file(name, name.encode())) for name in "abc"], lambda name: False)
    source = doomed.take(file("new", b"a"))
    assert source is not None
    assert source.have is not None
    doomed.give_back(source.have, source.wanted)
    (plan,) = doomed.plans(10)
    assert [item.wanted.name for item in plan.deleted_files] == ["b", "c", "a"]
