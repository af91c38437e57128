"""Patterns as Go's path.Match has them."""

from __future__ import annotations

import pytest

from txsyncthing.vocabulary.glob import glob_match


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("user.a", "user.a"),
        ("user.*", "user."),
        ("user.*", "user.mime_type"),
        ("*", "security.selinux"),
        ("*.a*", "user.xa.ab"),
        ("user.?", "user.é"),
        ("user.[a-cx]", "user.b"),
        ("user.[a-cx]", "user.x"),
        ("user.[^a-c]", "user.d"),
        ("user.[^c-a]", "user.b"),
        (r"user.\*", "user.*"),
        (r"user.[\]\-]", "user.-"),
        ("user.[!]", "user.!"),
        ("a\nb*", "a\nbc"),
    ],
)
def test_these_fit(pattern: str, text: str) -> None:
    assert glob_match(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("user.a", "user.ab"),
        ("user.a", "xuser.a"),
        ("", "user.a"),
        ("user.*", "user"),
        ("*", "user.a/b"),
        ("user.?", "user./"),
        ("user.?", "user."),
        ("user.[^a-c]", "user.b"),
        ("user.[c-a]", "user.b"),
        ("user.[]", "user.]"),
        ("user.[]a]", "user.a"),
        ("user.[a", "user.a"),
        ("user.[-a]", "user.a"),
        ("user.[a-]", "user.a"),
        ("user.\\", "user."),
        ("*[", "user.a"),
        ("USER.*", "user.a"),
    ],
)
def test_these_do_not(pattern: str, text: str) -> None:
    assert not glob_match(pattern, text)
