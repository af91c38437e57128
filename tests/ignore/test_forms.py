from __future__ import annotations

import pytest

from txsyncthing.ignore.forms import forms


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("*.bak", ["*.bak", "**/*.bak", "*.bak/**", "**/*.bak/**"]),
        ("/root.txt", ["/root.txt", "/root.txt/**"]),
        ("sub/x", ["sub/x", "**/sub/x", "sub/x/**", "**/sub/x/**"]),
        ("!keep", ["!keep", "!**/keep", "!keep/**", "!**/keep/**"]),
        (
            "(?i)(?d)Foo",
            ["(?d)(?i)foo", "(?d)(?i)**/foo", "(?d)(?i)foo/**", "(?d)(?i)**/foo/**"],
        ),
        ("dir/", ["dir/**", "**/dir/**"]),
        ("**/x", ["**/x", "x", "**/x/**", "x/**"]),
        ("/**/y", ["/**/y", "/**/y/**"]),
        ("(?d)!z", ["!z", "!**/z", "!z/**", "!**/z/**"]),
        ("sub/**", ["sub/**", "**/sub/**"]),
        ("*", ["*", "**/*", "*/**", "**/*/**"]),
        ("(?d)(?i)/Bar/", ["(?d)(?i)/bar/**"]),
    ],
)
def test_a_line_is_shown_as_1_29_5_shows_it(line: str, shown: list[str]) -> None:
    assert forms(line) == shown
