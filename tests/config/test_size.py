from __future__ import annotations

import pytest

from txsyncthing.config.size import Size, amount


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


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 KB"),
        (50_000, "50.0 KB"),
        (999_600, "1.00 MB"),
        (31_457_280, "31.5 MB"),
        (25_200_000_000, "25.2 GB"),
        (123_456_000_000_000, "123 TB"),
    ],
)
def test_bytes_are_told_as_people_read_them(size: int, text: str) -> None:
    assert amount(size) == text


def test_a_shortage_is_told_in_the_unit_that_was_asked_for() -> None:
    assert Size(99.9, "%").lack(9983, 10_000) == "current 99.83 % < required 99.9 %"
    assert Size(100, "TB").lack(25_200_000_000, 10**12) == "current 25.2 GB < required 100 TB"
    assert Size(1, "%").lack(100, 1000) == ""
