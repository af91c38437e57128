from __future__ import annotations

import pytest

from txsyncthing.config.size import Size


@pytest.mark.parametrize(
    ("size", "free", "short"),
    [
        (Size(1, "%"), 10, False),
        (Size(1, "%"), 9, True),
        (Size(0, "%"), 0, False),
        (Size(1, "kB"), 999, True),
        (Size(1, "kB"), 1000, False),
        (Size(0.5, "GB"), 10**8, True),
        (Size(100), 99, True),
    ],
)
def test_a_disk_is_short_below_the_size(size: Size, free: int, short: bool) -> None:
    assert size.shortage(free, 1000) is short


def test_what_is_wanted_counts_as_gone() -> None:
    assert Size(100).shortage(150, 1000, wanted=51)
    assert not Size(100).shortage(150, 1000, wanted=50)


def test_a_disk_of_unknown_size_is_never_short() -> None:
    assert not Size(1, "%").shortage(0, 0)
