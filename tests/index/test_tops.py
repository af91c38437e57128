"""The items in the root that our records tell of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.index.records import now, open_index
from tests.index.test_risk import here
from tests.pull.folder import directory, file, gone
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.tops import top_names
from txsyncthing.vocabulary.file import LocalFlag


@pytest.fixture
def index() -> Iterator[FolderIndex]:
    index = open_index()
    yield index
    now(index.close())


def test_what_is_below_is_stepped_over_in_any_order_of_names(index: FolderIndex) -> None:
    names = ["b/f", "b/\N{GRINNING FACE}", "b-x", "b0", "z", "ä/f", "ä/g"]
    here(index, directory("b"), *(file(name, b"x") for name in names))
    found = now(index.ask(top_names, "", 10))
    assert found.names == ("b", "b-x", "b0", "z", "ä") and not found.next
    pages: list[str] = []
    page = now(index.ask(top_names, "", 2))
    while page.next:
        pages += page.names
        page = now(index.ask(top_names, page.next, 2))
    pages += page.names
    assert [one for n, one in enumerate(pages) if one not in pages[:n]] == list(found.names)


def test_what_is_gone_or_ignored_is_not_there(index: FolderIndex) -> None:
    ignored = file("ignored", b"x")._replace(local_flags=LocalFlag.IGNORED)
    here(index, file("f", b"x"), gone(file("g", b"x")), ignored)
    assert now(index.ask(top_names, "", 10)).names == ("f",)
