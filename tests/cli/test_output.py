from __future__ import annotations

import pytest

from txsyncthing.cli.output import amount, columns, count, go_json, percent, printable, span


def test_json_escapes_what_go_escapes() -> None:
    assert go_json({"a": "<b>&é\u2028"}) == '{\n  "a": "\\u003cb\\u003e\\u0026é\\u2028"\n}'
    assert go_json({"a": [], "b": {}}) == '{\n  "a": [],\n  "b": {}\n}'


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3565158, "3.4 MiB"), (1 << 60, "1.0 EiB")],
)
def test_amounts(size: int, text: str) -> None:
    assert amount(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (11520, "3 h 12 min"), (90000, "1 d 1 h")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_nearly_all_is_not_all() -> None:
    assert percent(9_999_999, 10_000_000) == "99.9 %"
    assert percent(5, 5) == percent(0, 0) == "100 %"


def test_counts_and_columns() -> None:
    assert (count(1, "item"), count(12345, "item")) == ("1 item", "12 345 items")
    assert columns([("a", "bb"), ("ccc", "")]) == ["a    bb", "ccc"]


def test_names_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202e") == "a\ufffd[2Jb\ufffd"
