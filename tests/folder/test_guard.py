"""What counts as too much, and what is remembered of it."""

from __future__ import annotations

import pytest

from tests.pull.folder import ANN, BOB, directory, file, gone, symlink
from txsyncthing.folder.care import BadCare, Care, care_of
from txsyncthing.folder.flow import MAX_ITEMS, MAX_PERCENT, Excess, Flow, Past
from txsyncthing.folder.guard import (
    Held,
    Word,
    decode,
    merged,
    on_top,
    risks,
)
from txsyncthing.index.risk import Lost
from txsyncthing.index.values import Need
from txsyncthing.pull.plan import Deletions, plan
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo


def test_risks_of_a_batch_are_what_is_replaced() -> None:
    old, new = file("f", b"old"), file("f", b"new", version=2)
    here = {
        "f": old,
        "same": file("same", b"same"),
        "d": directory("d"),
        "dir": directory("dir"),
        "link": symlink("link", b"a"),
        "kept": symlink("kept", b"a"),
    }
    wanted = [
        new,
        file("fresh", b"fresh"),
        file("same", b"same", version=2),
        directory("d", version=2),
        file("dir", b"in the place of a directory", version=2),
        symlink("link", b"b", version=2),
        symlink("kept", b"a", version=2),
    ]
    needs = [Need(one, here.get(one.name), (ANN,)) for one in wanted]
    batch = plan(needs, Deletions(), lambda name: False)
    assert risks(batch) == 3  # f, dir, link


def test_a_word_is_kept_whole() -> None:
    word = Word({ANN: ((1 << 64) - 1, 7)}, {BOB: (3, 4)}, 12.5, Past(Flow(9, 4, 3), 2, 99, 7))
    assert decode(word.encode()) == word


@pytest.mark.parametrize("data", [None, b"", b"{}", b"[1]", b'{"released": {"x": [1]}}'])
def test_a_word_of_no_use_is_none(data: bytes | None) -> None:
    assert decode(data) == Word()


def test_marks_of_an_index_that_began_anew_replace_the_old() -> None:
    assert merged({ANN: (1, 50), BOB: (2, 9)}, {ANN: (5, 3), BOB: (2, 4)}) == {
        ANN: (5, 3),
        BOB: (2, 9),
    }


def test_a_batch_says_what_it_is() -> None:
    by = {ShortID(1): Lost(500, 1), ShortID(2): Lost(0, 2)}
    held = Held(0.0, Excess(MAX_PERCENT, whole=600), {}, by)
    assert held.sentence(Care()) == (
        "500 deletions and 3 overwrites by other devices: more than 50% of the folder's 600 items"
    )
    before = Held(0.0, Excess(MAX_ITEMS, before=7), {}, {ShortID(1): Lost(1)})
    assert before.sentence(Care(max_items=5)) == (
        "1 deletion by other devices (7 were taken just before): more than 5 items at once"
    )
    slow = Excess(MAX_PERCENT, True, 250, 600)
    assert Held(0.0, slow, {}, by).sentence(Care()) == (
        "500 deletions and 3 overwrites by other devices (250 were taken in the last 6 hours):"
        " more than 50% of the folder's 600 items of 6 hours ago"
    )
    slow = slow._replace(limit=MAX_ITEMS)
    assert Held(0.0, slow, {}, {ShortID(1): Lost(1)}).sentence(Care(max_items=5)) == (
        "1 deletion by other devices (250 were taken in the last 6 hours):"
        " more than 5 items in 6 hours"
    )


def test_our_version_on_top_wins_against_the_deletion() -> None:
    have: FileInfo = file("f", b"ours", by=10)
    ours = on_top(Need(gone(have), have, ()), ShortID(1), 1_700_000_000.0)
    assert ours.version.covers(gone(have).version) and not gone(have).version.covers(ours.version)
    assert (ours.hashes, ours.modified, ours.modified_by) == (have.hashes, have.modified, 1)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"maxItems": -1}, "maxItems: -1 is not valid; allowed: a whole number, 0 for off"),
        ({"maxItems": True}, "maxItems: True"),
        ({"maxPercent": 101}, "allowed: 0 to 100"),
        ({"maxPercent": 1.5}, "maxPercent: 1.5"),
        ({"rootDevice": 1}, "allowed: true or false"),
        ({"maxItem": 1}, "'maxItem' is no setting of the guard; there are maxItems, maxPercent"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(values: dict[str, object], text: str) -> None:
    with pytest.raises(BadCare) as refused:
        care_of(values, strict=True)
    assert text in str(refused.value)


def test_settings_say_only_what_they_say() -> None:
    assert care_of({"maxItems": 5, "ofTheFuture": "x"}) == Care(max_items=5)
    assert care_of(Care(max_items=3, root_device=False).document(), strict=True) == Care(
        max_items=3, root_device=False
    )
