from __future__ import annotations

from itertools import permutations

import pytest

from tests.index.records import vector
from txsyncthing.index.need import LOCAL, Candidate, chosen, needed_here
from txsyncthing.index.rows import pack_version
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.vector import Vector


def candidate(
    device: int,
    version: Vector,
    flags: LocalFlag = LocalFlag.NONE,
    modified: int = 0,
    deleted: bool = False,
) -> Candidate:
    return Candidate(device, pack_version(version), flags, modified, 0, deleted, 0, 0, 0)


OLD, NEW, OTHER = vector((1, 1)), vector((1, 2)), vector((2, 9))
INVALID = LocalFlag.REMOTE_INVALID


def test_the_newer_version_wins() -> None:
    assert chosen([candidate(0, OLD), candidate(1, NEW)]).device == 1


def test_of_equal_versions_ours_wins() -> None:
    assert chosen([candidate(0, NEW), candidate(1, NEW)]).device == 0


def test_of_equal_versions_the_valid_one_wins() -> None:
    assert chosen([candidate(0, NEW, LocalFlag.IGNORED), candidate(1, NEW)]).device == 1


def test_a_valid_version_wins_against_a_newer_invalid_one() -> None:
    assert chosen([candidate(1, OLD), candidate(2, NEW, INVALID)]).device == 1


def test_without_a_valid_version_the_newest_stands() -> None:
    assert chosen([candidate(1, OLD, INVALID), candidate(2, NEW, INVALID)]).device == 2


def test_of_concurrent_versions_the_later_one_wins() -> None:
    assert chosen([candidate(1, NEW, modified=2), candidate(2, OTHER, modified=1)]).device == 1


def test_of_concurrent_versions_an_edit_wins_against_a_later_deletion() -> None:
    edit, gone = candidate(1, NEW, modified=1), candidate(2, OTHER, modified=2, deleted=True)
    assert chosen([edit, gone]).device == 1


def test_at_the_same_time_the_first_counter_that_differs_decides() -> None:
    assert chosen([candidate(1, OTHER), candidate(2, NEW)]).device == 2


def test_a_superseded_version_does_not_win_by_its_time() -> None:
    versions = [
        candidate(1, OLD, modified=3),
        candidate(2, NEW, modified=1),
        candidate(3, OTHER, modified=2),
    ]
    assert {chosen(order).device for order in permutations(versions)} == {3}


@pytest.mark.parametrize(
    ("winner", "ours", "needed"),
    [
        (candidate(1, NEW), None, True),
        (candidate(1, NEW), candidate(LOCAL, OLD), True),
        (candidate(1, NEW), candidate(LOCAL, NEW), False),
        (candidate(1, NEW, INVALID), None, False),
        (candidate(1, NEW, deleted=True), None, False),
        (candidate(1, NEW, deleted=True), candidate(LOCAL, OLD), True),
        (candidate(1, NEW, deleted=True), candidate(LOCAL, OTHER, deleted=True), True),
        (candidate(1, NEW), candidate(LOCAL, OLD, LocalFlag.IGNORED), True),
        (candidate(1, NEW), candidate(LOCAL, NEW, LocalFlag.IGNORED), False),
        (candidate(1, NEW), candidate(LOCAL, OLD, LocalFlag.MUST_RESCAN), True),
        (candidate(1, OLD), candidate(LOCAL, NEW, LocalFlag.RECEIVE_ONLY), False),
        (candidate(1, NEW), candidate(LOCAL, Vector(), LocalFlag.RECEIVE_ONLY), True),
        (candidate(LOCAL, NEW), candidate(LOCAL, NEW), False),
    ],
)
def test_what_we_have_to_pull(winner: Candidate, ours: Candidate | None, needed: bool) -> None:
    assert needed_here(winner, ours) is needed
